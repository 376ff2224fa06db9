"""Cancellation: work for an earlier request of the same visitor ends at its next step.

Gradio cancels events, too. But a cancellation is answered only when the running step has ended,
and what is requested until then is dropped: a visitor who stops, or chooses another preset, would
wait for a picture that never comes. Here the running event ends by itself, as if it were done, and
the next one, which has waited for it (``trigger_mode="always_last"``), begins.

Each request has a number, which the browser keeps and the event that it leads to brings along. A
step is made only as long as no later request concerns it, in the queue as well as at work.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from enum import IntEnum
from typing import Any

import gradio as gr

from difficmh_core.ui.runtime.events import Values

_MAX_VISITORS = 4096
"""Whose requests are remembered: of those who asked last."""


class RequestKind(IntEnum):
    """What a visitor wants anew. Each ends the work for its own kind and those before it."""

    PICTURE = 0
    """Another decoding of the same file."""
    FILE = 1
    """Another file of the same photograph."""
    PHOTO = 2
    """Another photograph, none, or nothing more: what is under way is not even shown."""


class Cancellation:
    """Remembers what each visitor asked for last.

    Attributes:
        request_id: Holds the number of the last request, in the browser, where Gradio reads it
            when an event is asked for; a ``gr.State`` is read when the event begins.
    """

    def __init__(self, request_id: gr.Number) -> None:
        self.request_id = request_id
        self._latest: OrderedDict[str, dict[RequestKind, int]] = OrderedDict()
        self._lock = threading.Lock()

    def request(self, kind: RequestKind) -> Callable[[gr.Request], int]:
        """Make an event that notes a request and returns its number."""

        def noted(request: gr.Request) -> int:
            return self._note(request, kind)

        return noted

    def request_if(
        self, kind: RequestKind, is_wanted: Callable[[Values], object]
    ) -> Callable[..., Any]:
        """Make the same for an event whose inputs say whether anything will follow.

        Args:
            kind: What is requested.
            is_wanted: Is given the inputs by component.
        """

        def noted(request: gr.Request, values: Values) -> Any:  # noqa: ANN401 (an update, too)
            return self._note(request, kind) if is_wanted(values) else gr.skip()

        return noted

    def _note(self, request: gr.Request, kind: RequestKind) -> int:
        visitor = str(request.session_hash)
        with self._lock:
            latest = self._latest.get(visitor, {})
            request_id = 1 + max(latest.values(), default=0)
            self._latest[visitor] = latest | {kind: request_id}
            self._latest.move_to_end(visitor)
            while len(self._latest) > _MAX_VISITORS:
                self._latest.popitem(last=False)
        return request_id

    def until_next(
        self, event: Callable[[Values], Generator[Any, None, None]], of: RequestKind
    ) -> Callable[..., Iterator[Any]]:
        """Make a generator event end once its visitor asks for something else.

        Args:
            event: The generator.
            of: What it makes. A file that is ready is shown, even if the next one is requested.

        Returns:
            An event among whose inputs is the number of the request.
        """
        is_shown_until = RequestKind.PHOTO if of is RequestKind.FILE else of

        def guarded(request: gr.Request, values: Values) -> Iterator[Any]:
            visitor, request_id = str(request.session_hash), values[self.request_id]
            is_empty = True
            if self._is_due(visitor, request_id, of):
                with closing(event(values)) as updates:
                    for update in updates:
                        if self._is_due(visitor, request_id, is_shown_until):
                            is_empty = False
                            yield update
                        if not self._is_due(visitor, request_id, of):
                            break
            # Gradio sends the last value once more, and empties what no value came for.
            if is_empty or not self._is_due(visitor, request_id, of):
                yield gr.skip()

        guarded.__name__ = event.__name__  # its own signature stays, by which Gradio calls it
        return guarded

    def _is_due(self, visitor: str, request_id: float, of: RequestKind) -> bool:
        latest = self._latest.get(visitor, {})
        return all(latest.get(kind, 0) <= request_id for kind in RequestKind if kind >= of)
