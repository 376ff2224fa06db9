"""Memory that large pictures leave behind goes back to the system.

The GNU C library keeps what was freed, since it may be asked for again. After a large photograph
that is a gigabyte, kept for as long as the page runs.
"""

import ctypes
import ctypes.util
import sys
from collections.abc import Callable


def _find_trim() -> Callable[[int], int] | None:
    name = ctypes.util.find_library("c") if sys.platform == "linux" else None
    return getattr(ctypes.CDLL(name), "malloc_trim", None) if name else None


_TRIM = _find_trim()


def give_back() -> None:
    """Give freed memory back to the system, where the C library can (malloc_trim(3), glibc)."""
    if _TRIM is not None:
        _TRIM(0)
