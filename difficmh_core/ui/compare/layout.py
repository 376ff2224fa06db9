"""The compare tab, one photograph by every codec within the same bytes: what is where."""

import gradio as gr

from difficmh_core.ui.compare import texts as words
from difficmh_core.ui.components import html
from difficmh_core.ui.components.job_buttons import JobButtons
from difficmh_core.ui.runtime.events import take_as_given


class CompareTab:
    """The components of the tab."""

    def __init__(self) -> None:
        """Draw the tab inside the current layout."""
        gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
        with gr.Row(equal_height=True):
            self.codecs = gr.CheckboxGroup(
                [(name, key) for key, name in words.CODECS.items()],
                value=list(words.CHOSEN),
                label=words.WHICH,
                info=words.WHICH_HELP,
                scale=3,
                min_width=280,
                elem_id="compare-codecs",
            )
            self.n_bytes = gr.Number(
                None,
                label=words.N_BYTES,
                info=words.N_BYTES_HELP,
                precision=0,
                scale=1,
                min_width=200,
                elem_id="compare-bytes",
            )
        self.buttons = JobButtons("compare", words.COMPARE)
        self.buttons.progress.render()
        gr.HTML(html.draw_warning(), padding=False, elem_id="compare-notice")
        self.viewer = gr.HTML(padding=False, elem_id="compare-pictures")
        self.table = gr.HTML(padding=False, elem_id="compare-table")
        take_as_given(self.codecs, self.n_bytes)
