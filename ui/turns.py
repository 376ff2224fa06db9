"""Whose turn it is: work for an earlier wish of the same visitor ends at its next step.

Gradio cancels events, too. But what is asked for while a cancellation is on its way to the server
is dropped, so that a visitor who chooses another preset would wait for a picture that never comes.
Here the running event ends by itself, as if it were done, and the next one, which has waited for
it (``trigger_mode="always_last"``), begins.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import gradio as gr

__all__ = ["Turns"]

_MAX_VISITORS = 4096
"""Whose counts are kept: of those who asked last."""


class _Count(NamedTuple):
    """How often a visitor asked for something, and how often for another photograph or none."""

    wishes: int = 0
    photos: int = 0


class Turns:
    """Counts what each visitor asks for. Its methods ``ask`` and ``ask_anew`` are events."""

    def __init__(self) -> None:
        """Know no visitor yet."""
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, request: gr.Request) -> None:
        """Note that a visitor wants something else of the same photograph."""
        self._add(request, photos=0)

    def ask_anew(self, request: gr.Request) -> None:
        """Note that a visitor wants another photograph, or none."""
        self._add(request, photos=1)

    def _add(self, request: gr.Request, *, photos: int) -> None:
        with self._lock:
            last = self._counts.pop(_visitor(request), _Count())
            self._counts[_visitor(request)] = _Count(last.wishes + 1, last.photos + photos)
            while len(self._counts) > _MAX_VISITORS:
                self._counts.popitem(last=False)

    def until_next(
        self, event: Callable[..., Any], *, keeps_last: bool = False
    ) -> Callable[..., Iterator[Any]]:
        """Return a generator event that ends once its visitor asks for something else.

        Args:
            event: The generator; no step of it begins after that.
            keeps_last: Whether the step that was under way is still shown, unless another
                photograph was asked for.
        """

        def guarded(request: gr.Request, *arguments: Any) -> Iterator[Any]:  # noqa: ANN401
            visitor = _visitor(request)
            first = self._counts.get(visitor, _Count())
            with closing(event(*arguments)) as values:
                for value in values:
                    now = self._counts.get(visitor, _Count())
                    if now == first or (keeps_last and now.photos == first.photos):
                        yield value
                    if self._counts.get(visitor, _Count()) != first:
                        return

        return guarded


def _visitor(request: gr.Request) -> str:
    return str(request.session_hash)
