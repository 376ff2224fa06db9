"""One thread for the model.

Gradio runs events on some forty threads, and PyTorch keeps memory for each thread that computes:
measured, a hundred megabytes after some hundred decodings. On one thread it stays flat. Heavy
events wait for each other anyway, so that nothing gets slower.

The GNU C library keeps what was freed, too, since it may be asked for again: a gigabyte after a
large photograph, for as long as the page runs. After each event it goes back to the system.

An event has the model to itself from beginning to end: what one visitor's steps leave in the
networks, another visitor's must not find between them.
"""

import contextvars
import ctypes
import ctypes.util
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Event = TypeVar("Event", bound=Callable[..., Any])
_NAME = "model"
_EXECUTOR = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_NAME)
_TURN = threading.BoundedSemaphore()
_STOPPED = threading.Event()
_END = object()


def _find_trim() -> Callable[[int], int] | None:
    name = ctypes.util.find_library("c") if sys.platform == "linux" else None
    return getattr(ctypes.CDLL(name), "malloc_trim", None) if name else None


_TRIM = _find_trim()
"""Gives freed memory back to the system, where the C library can (malloc_trim(3), glibc)."""


def on_model_thread(event: Event) -> Event:
    """Make an event, a function or generator, run on the model's thread."""
    if inspect.isgeneratorfunction(event):

        @functools.wraps(event)
        def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 (as the event's)
            with _TURN:
                values = event(*args, **kwargs)
                try:
                    while (value := _call(next, values, _END)) is not _END:
                        yield value
                        if _STOPPED.is_set():
                            break
                finally:
                    _call(values.close)
                    _give_back()

        return cast(Event, generator)

    @functools.wraps(event)
    def function(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as the event's)
        with _TURN:
            try:
                return _call(event, *args, **kwargs)
            finally:
                _give_back()

    return cast(Event, function)


def stop() -> None:
    """End all work at its next step, for good: the program is leaving."""
    _STOPPED.set()


def _give_back() -> None:
    if _TRIM is not None:
        _TRIM(0)


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
    """Call on the model's thread, where Gradio's context variables are as they are here."""
    if threading.current_thread().name.startswith(_NAME):
        raise RuntimeError("An event of the model's thread would wait for itself.")
    context = contextvars.copy_context()
    return _EXECUTOR.submit(context.run, function, *args, **kwargs).result()
