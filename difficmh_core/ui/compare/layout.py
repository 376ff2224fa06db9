"""The compare tab: one photograph by every codec within the same bytes, in one viewer."""

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.compare import texts as words
from difficmh_core.ui.compare.handlers import CompareHandlers
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoder_controls import QUICK, take_as_given
from difficmh_core.ui.components.job_controls import connect_long_work, draw_actions
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore

__all__ = ["build_compare_tab"]


def build_compare_tab(service: CodecService, uploads: UploadStore, source: CompressTab) -> None:
    """Draw the tab inside the current layout, and connect it.

    Args:
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        source: The tab whose photograph is compared.
    """
    handlers = CompareHandlers(service, uploads)
    gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
    with gr.Row(equal_height=True):
        keys = gr.CheckboxGroup(
            [(name, key) for key, name in words.CODECS.items()],
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
    actions = draw_actions("compare", words.COMPARE)
    gr.HTML(f'<p class="notice">{texts.NOTICE}</p>', padding=False, elem_id="compare-notice")
    viewer = gr.HTML(padding=False, elem_id="compare-pictures")
    table = gr.HTML(padding=False, elem_id="compare-table")
    take_as_given(keys, target)

    _, _, progress = actions
    connect_long_work(
        actions,
        handlers.compare,
        [source.session, keys, target],
        [progress, viewer, table],
    )
    for event in source.changed:
        event.then(handlers.target_of, source.session, target, **QUICK)
