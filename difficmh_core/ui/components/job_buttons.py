"""Work that a button starts and another one stops: the buttons, their states, their events."""

from collections.abc import Callable, Collection, Generator
from typing import Any

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.progress import draw_waiting
from difficmh_core.ui.runtime.cancellation import Cancellation, RequestKind
from difficmh_core.ui.runtime.events import (
    LATEST,
    MODEL,
    QUICK,
    Component,
    Updates,
    Values,
    after_all,
)

WORKING: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **MODEL}
"""Events that use the model."""


class JobButtons:
    """The two buttons with the progress of the work, and what they are in each of its states."""

    def __init__(
        self, prefix: str, label: str, *, start_id: str = "start", can_start: bool = True
    ) -> None:
        """Draw the buttons inside the current layout; the progress follows where it is rendered.

        Args:
            prefix: Begins the ids of the elements, which differ between the tabs.
            label: What the button that starts says.
            start_id: Ends its id.
            can_start: Whether there is something to work on from the beginning.
        """
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button(
                label,
                variant="primary",
                interactive=can_start,
                min_width=120,
                elem_id=f"{prefix}-{start_id}",
            )
            self.stop = gr.Button(
                texts.STOP,
                variant="stop",
                interactive=False,
                min_width=120,
                elem_id=f"{prefix}-stop",
            )
        self.progress: Component = gr.HTML(
            padding=False, visible=can_start, elem_id=f"{prefix}-progress", render=False
        )
        self.all: list[Component] = [self.start, self.stop, self.progress]

    def waiting(self) -> Updates:
        """Offer to stop, and say that the work waits for the model."""
        return self.at_work(draw_waiting(texts.WAITING))

    def at_work(self, progress: str) -> Updates:
        """Offer to stop, and say how far the work is.

        To be said at each step: what ran before may have ended meanwhile.
        """
        return {
            self.start: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
            self.progress: gr.update(value=progress, visible=True),
        }

    def ended(self) -> Updates:
        """Offer to start again; the progress stays."""
        return {self.start: gr.update(interactive=True), self.stop: gr.update(interactive=False)}

    def idle(self, *, can_start: bool) -> Updates:
        """Hide the progress, and offer to start if there is something to work on."""
        return {
            self.start: gr.update(interactive=can_start),
            self.stop: gr.update(interactive=False),
            self.progress: gr.update(visible=False),
        }

    def connect(
        self,
        work: Callable[[Values], Generator[Updates, None, None]],
        inputs: Collection[Component],
        outputs: Collection[Component],
    ) -> None:
        """Start work, stop it within its step, and disable what must wait meanwhile.

        Args:
            work: A generator event; each of its updates is shown as it comes.
            inputs: Of the work.
            outputs: Of the work, beside the buttons.
        """
        cancellation = Cancellation(gr.Number(0, visible="hidden"))
        request_id = cancellation.request_id

        def stopped() -> Updates:
            return self.ended() | {self.progress: html.draw_message(texts.STOPPED_MEASURING)}

        asked, ended = (
            button.click(cancellation.request(RequestKind.PICTURE), outputs=request_id, **QUICK)
            for button in (self.start, self.stop)
        )
        ran = asked.then(self.waiting, outputs=self.all, **QUICK).then(
            cancellation.until_next(work, RequestKind.PICTURE),
            {request_id, *inputs},
            [*self.all, *outputs],
            show_progress_on=self.progress,
            **LATEST,  # it waits until what was stopped has ended
            **WORKING,
        )
        ran.failure(lambda: "", None, self.progress, **QUICK)
        after_all(ran, self.ended, None, self.all)
        ended.then(stopped, outputs=self.all, **QUICK)
