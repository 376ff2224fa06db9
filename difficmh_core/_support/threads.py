"""Floating-point results that do not depend on how many threads compute them.

Sums are split differently among different numbers of threads, and their last digit changes; in an
encoder, that can flip a rounding and with it a byte of the file. One thread always sums alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's CPU kernels of this block on one thread, and restore the number after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
