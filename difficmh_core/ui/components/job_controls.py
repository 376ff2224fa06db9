"""Work that a button starts and another one stops, in the tabs that measure one photograph."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components import button_states
from difficmh_core.ui.components.decoder_controls import MODEL, QUICK, after_all
from difficmh_core.ui.runtime.cancellation import Turns, Wish
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu

__all__ = ["MEASURING", "connect_long_work", "draw_actions"]

MEASURING: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **MODEL}
"""Events of these tabs that use the model."""


def draw_actions(prefix: str, start_label: str) -> tuple[gr.Button, gr.Button, gr.HTML]:
    """Draw the two buttons and the progress inside the current layout.

    Args:
        prefix: Begins the ids of the elements, which differ between the tabs.
        start_label: What the button that starts says.

    Returns:
        The button that starts, the one that stops, and the progress.
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
    return start, stop, gr.HTML(padding=False, elem_id=f"{prefix}-progress")


def connect_long_work(
    actions: tuple[gr.Button, gr.Button, gr.HTML],
    work: Callable[..., Iterator[tuple[Any, ...]]],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Start work, stop it within its step, and lock what must wait meanwhile.

    Args:
        actions: What ``draw_actions`` has drawn.
        work: A generator event; each value is shown as it comes.
        inputs: Of the work.
        outputs: Of the work; the progress is among them.
    """
    start, stop, progress = actions
    turns, ticket = Turns(), gr.Number(0, visible="hidden")

    def locked_at_each_step(*arguments: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
        # What was stopped before may have unlocked when it ended, after this was asked for.
        for value in work(*arguments):
            yield *value, *button_states.lock_at_work()

    asked = start.click(turns.ask(Wish.PICTURE), outputs=ticket, **QUICK)
    ran = asked.then(button_states.lock_long, outputs=[*actions], **QUICK).then(
        turns.until_next(with_gpu(locked_at_each_step, MAX_S), Wish.PICTURE),
        [ticket, *inputs],
        [*outputs, start, stop],
        show_progress_on=progress,
        trigger_mode="always_last",  # it waits until what was stopped has ended
        **MEASURING,
    )
    ran.failure(lambda: "", None, progress, **QUICK)
    after_all(ran, button_states.unlock_long, None, [start, stop])
    stop.click(turns.ask(Wish.PICTURE), outputs=ticket, **QUICK).then(
        button_states.stop_long, outputs=[*actions], **QUICK
    )
