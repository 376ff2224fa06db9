"""Whose turn it is: work for an earlier wish of the same visitor ends at its next step.

Gradio cancels events, too. But a cancellation is answered only when the running step has ended,
and what is asked for until then is dropped: a visitor who stops, or chooses another preset, would
wait for a picture that never comes. Here the running event ends by itself, as if it were done, and
the next one, which has waited for it (``trigger_mode="always_last"``), begins.

Each wish gives the browser a ticket, which the event that it leads to brings along. A step is made
only as long as no later wish concerns it, in the queue as well as at work.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import IntEnum
from typing import Any

import gradio as gr

__all__ = ["Turns", "Wish"]

_MAX_VISITORS = 4096
"""Whose wishes are remembered: of those who asked last."""


class Wish(IntEnum):
    """What a visitor wants anew. Each ends the work for its own kind and those before it."""

    PICTURE = 0
    """Another decoding of the same file."""
    FILE = 1
    """Another file of the same photograph."""
    PHOTO = 2
    """Another photograph, none, or nothing more: what is under way is not even shown."""


class Turns:
    """Remembers what each visitor asked for last."""

    def __init__(self) -> None:
        """Know no visitor yet."""
        self._latest: OrderedDict[str, dict[Wish, int]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, wish: Wish) -> Callable[[gr.Request], int]:
        """Return an event that notes a wish and gives a ticket for it."""

        def asked(request: gr.Request) -> int:
            return self._note(request, wish)

        return asked

    def ask_if(self, wish: Wish, is_wanted: Callable[..., bool] = bool) -> Callable[..., Any]:
        """Return the same for an event whose inputs say whether anything will follow.

        Args:
            wish: What is wanted.
            is_wanted: Told the inputs.
        """

        def asked(request: gr.Request, *inputs: Any) -> Any:  # noqa: ANN401 (as the event's)
            return self._note(request, wish) if is_wanted(*inputs) else gr.skip()

        return asked

    def _note(self, request: gr.Request, wish: Wish) -> int:
        visitor = str(request.session_hash)
        with self._lock:
            latest = self._latest.get(visitor, {})
            ticket = 1 + max(latest.values(), default=0)
            self._latest[visitor] = latest | {wish: ticket}
            self._latest.move_to_end(visitor)
            while len(self._latest) > _MAX_VISITORS:
                self._latest.popitem(last=False)
        return ticket

    def until_next(self, event: Callable[..., Any], of: Wish) -> Callable[..., Iterator[Any]]:
        """Return a generator event that ends once its visitor asks for something else.

        Args:
            event: The generator.
            of: What it makes. A file that is ready is shown, even if the next one is asked for.

        Returns:
            An event whose first input is the ticket.
        """
        is_shown_until = Wish.PHOTO if of is Wish.FILE else of

        def guarded(request: gr.Request, ticket: float, *arguments: Any) -> Iterator[Any]:  # noqa: ANN401
            visitor = str(request.session_hash)
            if self._is_due(visitor, ticket, of):
                with closing(event(*arguments)) as values:
                    for value in values:
                        if self._is_due(visitor, ticket, is_shown_until):
                            yield value
                        if not self._is_due(visitor, ticket, of):
                            break
            # Gradio sends the last value once more, and empties what no value came for.
            if not self._is_due(visitor, ticket, of):
                yield gr.skip()

        guarded.__name__ = event.__name__  # its own signature stays, by which Gradio calls it
        return guarded

    def _is_due(self, visitor: str, ticket: float, of: Wish) -> bool:
        latest = self._latest.get(visitor, {})
        return all(latest.get(wish, 0) <= ticket for wish in Wish if wish >= of)
