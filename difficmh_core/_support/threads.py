"""Floating-point results that do not depend on how many threads compute them.

Sums are split differently among different numbers of threads, and their last digit changes; in an
encoder, that can flip a rounding and with it a byte of the file. One thread always sums alike. So
that the others do not idle, work that falls into parts is spread: each part on one thread.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from difficmh_core._support.parts import Parts, inside

PartT = TypeVar("PartT")
ResultT = TypeVar("ResultT")

_PREFIX = "difficmh-part"
_before = threading.local()
"""Of the calling thread: how many it had before it was confined to one."""
_pools = dict[int, ThreadPoolExecutor]()
_starting = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's CPU kernels of this block on one thread, and restore the number after it."""
    before = torch.get_num_threads()
    outer = getattr(_before, "n_threads", None)
    _before.n_threads = outer or before
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _before.n_threads = outer


def alone(parts: Parts[ResultT]) -> Parts[ResultT]:
    """Do an encoder's parts, without gradients, on one thread beside those that they spread to."""
    return inside(parts, torch.inference_mode, one_thread)


def spread(work: Callable[[PartT], ResultT], parts: Sequence[PartT]) -> Iterator[ResultT]:
    """Do a piece of work part by part, several parts at once; yield the results in order.

    As many threads work as torch has outside of :func:`one_thread`, each with one thread's
    kernels, so that no result depends on their number. Stop iterating to cancel: what has begun
    ends first.

    Args:
        work: Called once for each part.
        parts: In the order of the results.
    """
    n_threads = min(len(parts), getattr(_before, "n_threads", None) or torch.get_num_threads())
    if n_threads < 2 or threading.current_thread().name.startswith(_PREFIX):
        with one_thread():
            results = [work(part) for part in parts[:1]]
        yield from results
        for part in parts[1:]:
            with one_thread():
                result = work(part)
            yield result
        return
    is_inference, has_gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def do(part: PartT) -> ResultT:
        with torch.inference_mode(is_inference), torch.set_grad_enabled(has_gradients):
            return work(part)

    futures = [_pool(n_threads).submit(do, part) for part in parts]
    try:
        for future in futures:
            yield future.result()
    finally:
        begun = [future for future in futures if not future.cancel()]
        for future in begun:
            future.exception()


def _pool(n_threads: int) -> ThreadPoolExecutor:
    """Return threads that stay: torch keeps memory for each that ever computed."""
    with _starting:
        if n_threads not in _pools:
            pool = ThreadPoolExecutor(n_threads, thread_name_prefix=_PREFIX)
            all_there = threading.Barrier(n_threads)

            def confine() -> None:
                torch.set_num_threads(1)
                all_there.wait()

            before = torch.get_num_threads()
            for future in [pool.submit(confine) for _ in range(n_threads)]:
                future.result()
            torch.set_num_threads(before)  # threads to come take over what was set last
            _pools[n_threads] = pool
        return _pools[n_threads]
