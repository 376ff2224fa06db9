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

from difficmh_core.ui.runtime.events import Updates, Values

_MAX_VISITORS = 4096
"""Whose requests are remembered: of those who asked last."""


class RequestKind(IntEnum):
    """What a visitor wants anew. Each ends the work for its own kind and those before it."""

    UPLOAD = 0
    """Another photograph, perhaps: it is still to be read, and ends nothing before it is."""
    PICTURE = 1
    """Another decoding of the same file."""
    FILE = 2
    """Another file of the same photograph."""
    PHOTO = 3
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

    def request_or_end(
        self, kind: RequestKind, is_wanted: Callable[[Values], object]
    ) -> Callable[[gr.Request, Values], int]:
        """Make the same for an event after whose failure, unseen, nothing follows."""

        def noted(request: gr.Request, values: Values) -> int:
            if not is_wanted(values):
                raise gr.Error("nothing to do", visible=False, print_exception=False)
            return self._note(request, kind)

        return noted

    def once_read(
        self, event: Callable[[Values], Generator[Updates, None, None]]
    ) -> Callable[..., Iterator[Updates]]:
        """Make an event that reads another photograph end all other work once it is read.

        What cannot be read ends nothing. Of several, the one that was brought last counts, even
        if another takes longer to read.

        Args:
            event: Reads it; yields its updates when it is read.

        Returns:
            An event among whose outputs is the number of the request.
        """

        def guarded(request: gr.Request, values: Values) -> Iterator[Updates]:
            brought = self._note(request, RequestKind.UPLOAD)
            is_read = False
            for updates in event(values):
                latest = self._latest.get(str(request.session_hash), {})
                if latest.get(RequestKind.UPLOAD, 0) > brought:
                    raise gr.Error("superseded", visible=False, print_exception=False)
                is_read = True
                yield updates | {self.request_id: self._note(request, RequestKind.PHOTO)}
            if not is_read:
                yield gr.skip()

        guarded.__name__ = event.__name__
        return guarded

    def ending_all(self, event: Callable[[], Updates]) -> Callable[[gr.Request, Values], Updates]:
        """Make an event that takes the photograph away end all work, that of reading one included.

        All of it happens at once: Gradio clears a field before it puts a pasted photograph there,
        and what came a moment later would take away the new one.

        Args:
            event: Returns the updates of a page without a photograph.

        Returns:
            An event among whose outputs is the number of the request. Its inputs are remembered
            with the visit.
        """

        def guarded(request: gr.Request, _values: Values) -> Updates:
            self._note(request, RequestKind.UPLOAD)
            return event() | {self.request_id: self._note(request, RequestKind.PHOTO)}

        guarded.__name__ = event.__name__
        return guarded

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

    def _is_due(self, visitor: str, request_id: object, of: RequestKind) -> bool:
        if not isinstance(request_id, int | float):  # no number that was handed out
            return False
        latest = self._latest.get(visitor, {})
        return all(latest.get(kind, 0) <= request_id for kind in RequestKind if kind >= of)
