"""The compare tab: one photograph by every codec within the same bytes, in one viewer."""

from typing import Any

import gradio as gr

from ui import locks, texts, views
from ui import texts_compare as words
from ui.compare_handlers import CompareHandlers
from ui.compress_panel import CompressTab
from ui.decode_panel import MODEL, QUICK, after_all, take_as_given
from ui.workshop import Workshop
from ui.zero_gpu import MAX_S, with_gpu

__all__ = ["build_compare_tab"]


def build_compare_tab(workshop: Workshop, source: CompressTab) -> None:
    """Draw the tab inside the current layout, and connect it.

    Args:
        workshop: What all visitors share.
        source: The tab whose photograph is compared.
    """
    handlers = CompareHandlers(workshop)
    gr.HTML(views.draw_lead(words.INTRODUCTION), padding=False)
    with gr.Row(equal_height=True):
        keys = gr.CheckboxGroup(
            [(name, key) for key, name in words.CONTESTANTS.items()],
            value=list(words.CHOSEN),
            label=words.WHICH,
            info=words.WHICH_HELP,
            scale=3,
            min_width=280,
            elem_id="compare-codecs",
        )
        target = gr.Number(
            None,
            label=words.N_BYTES,
            info=words.N_BYTES_HELP,
            precision=0,
            scale=1,
            min_width=200,
            elem_id="compare-bytes",
        )
    with gr.Row(elem_classes="actions"):
        start = gr.Button(words.COMPARE, variant="primary", min_width=120, elem_id="compare-start")
        stop = gr.Button(
            words.STOP, variant="stop", interactive=False, min_width=120, elem_id="compare-stop"
        )
    progress = gr.HTML(padding=False, elem_id="compare-progress")
    gr.HTML(f'<p class="notice">{texts.NOTICE}</p>', padding=False, elem_id="compare-notice")
    viewer = gr.HTML(padding=False, elem_id="compare-pictures")
    table = gr.HTML(padding=False, elem_id="compare-table")
    take_as_given(keys, target)

    heavy: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": progress,
        **MODEL,
    }
    compared = start.click(locks.lock_long, outputs=[start, stop, progress], **QUICK).then(
        with_gpu(handlers.compare, MAX_S),
        [source.session, keys, target],
        [progress, viewer, table],
        **heavy,
    )
    compared.failure(lambda: "", None, progress, **QUICK)
    after_all(compared, locks.unlock_long, None, [start, stop])
    stop.click(
        lambda: (*locks.unlock_long(), views.draw_message(words.STOPPED)),
        outputs=[start, stop, progress],
        cancels=compared,
        **QUICK,
    )
    for event in source.changed:
        event.then(handlers.target_of, source.session, target, **QUICK)
