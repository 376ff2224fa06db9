"""The two buttons around a piece of work, one that starts it and one that stops it."""

from dataclasses import dataclass

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components.progress import draw_waiting
from difficmh_core.ui.runtime.events import Updates


@dataclass(frozen=True, slots=True, kw_only=True)
class JobButtons:
    """The components, and what they are in each state of the work.

    Attributes:
        start: Starts the work.
        stop: Stops it within one step.
        progress: Says how far it is.
    """

    start: gr.Button
    stop: gr.Button
    progress: gr.HTML

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

    @property
    def all(self) -> list[gr.Button | gr.HTML]:
        """The three components."""
        return [self.start, self.stop, self.progress]
