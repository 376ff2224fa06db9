"""The compare tab, one photograph by every codec within the same bytes: what is where."""

from dataclasses import dataclass

import gradio as gr

from difficmh_core.ui.compare import texts as words
from difficmh_core.ui.components import html
from difficmh_core.ui.components.button_states import JobButtons
from difficmh_core.ui.components.job_controls import draw_job_buttons
from difficmh_core.ui.runtime.events import take_as_given


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareTab:
    """The components of the tab.

    Attributes:
        codecs: Which are compared.
        n_bytes: What each file may hold [bytes].
        buttons: Those that start and stop it.
        viewer: The pictures.
        table: Every file in numbers.
    """

    codecs: gr.CheckboxGroup
    n_bytes: gr.Number
    buttons: JobButtons
    viewer: gr.HTML
    table: gr.HTML


def draw_compare_tab() -> CompareTab:
    """Draw the tab inside the current layout."""
    gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
    with gr.Row(equal_height=True):
        codecs = gr.CheckboxGroup(
            [(name, key) for key, name in words.CODECS.items()],
            value=list(words.CHOSEN),
            label=words.WHICH,
            info=words.WHICH_HELP,
            scale=3,
            min_width=280,
            elem_id="compare-codecs",
        )
        n_bytes = gr.Number(
            None,
            label=words.N_BYTES,
            info=words.N_BYTES_HELP,
            precision=0,
            scale=1,
            min_width=200,
            elem_id="compare-bytes",
        )
    buttons = draw_job_buttons("compare", words.COMPARE)
    gr.HTML(html.draw_warning(), padding=False, elem_id="compare-notice")
    viewer = gr.HTML(padding=False, elem_id="compare-pictures")
    table = gr.HTML(padding=False, elem_id="compare-table")
    take_as_given(codecs, n_bytes)
    return CompareTab(codecs=codecs, n_bytes=n_bytes, buttons=buttons, viewer=viewer, table=table)
