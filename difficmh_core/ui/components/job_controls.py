"""Work that a button starts and another one stops, in the tabs that measure one photograph."""

from collections.abc import Callable, Collection, Generator
from typing import Any

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.button_states import JobButtons
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

MEASURING: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **MODEL}
"""Events of these tabs that use the model."""


def draw_job_buttons(prefix: str, start_label: str) -> JobButtons:
    """Draw the two buttons and the progress inside the current layout.

    Args:
        prefix: Begins the ids of the elements, which differ between the tabs.
        start_label: What the button that starts says.
    """
    with gr.Row(elem_classes="actions"):
        start = gr.Button(start_label, variant="primary", min_width=120, elem_id=f"{prefix}-start")
        stop = gr.Button(
            texts.STOP,
            variant="stop",
            interactive=False,
            min_width=120,
            elem_id=f"{prefix}-stop",
        )
    progress = gr.HTML(padding=False, elem_id=f"{prefix}-progress")
    return JobButtons(start=start, stop=stop, progress=progress)


def connect_job(
    buttons: JobButtons,
    work: Callable[[Values], Generator[Updates, None, None]],
    inputs: Collection[Component],
    outputs: Collection[Component],
) -> None:
    """Start work, stop it within its step, and disable what must wait meanwhile.

    Args:
        buttons: Start and stop it.
        work: A generator event; each of its updates is shown as it comes.
        inputs: Of the work.
        outputs: Of the work, beside the buttons.
    """
    cancellation = Cancellation(gr.Number(0, visible="hidden"))
    request_id = cancellation.request_id

    def stopped() -> Updates:
        message = html.draw_message(texts.STOPPED_MEASURING)
        return buttons.ended() | {buttons.progress: message}

    asked = buttons.start.click(
        cancellation.request(RequestKind.PICTURE), outputs=request_id, **QUICK
    )
    ran = asked.then(buttons.waiting, outputs=buttons.all, **QUICK).then(
        cancellation.until_next(work, RequestKind.PICTURE),
        {request_id, *inputs},
        [*buttons.all, *outputs],
        show_progress_on=buttons.progress,
        **LATEST,  # it waits until what was stopped has ended
        **MEASURING,
    )
    ran.failure(lambda: "", None, buttons.progress, **QUICK)
    after_all(ran, buttons.ended, None, buttons.all)
    buttons.stop.click(
        cancellation.request(RequestKind.PICTURE), outputs=request_id, **QUICK
    ).then(stopped, outputs=buttons.all, **QUICK)
