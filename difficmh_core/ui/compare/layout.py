"""The compare tab, one photograph by every codec within the same bytes: what is where."""

from collections.abc import Iterable

import gradio as gr

from difficmh_core.ui.compare import texts as words
from difficmh_core.ui.components import html
from difficmh_core.ui.components.job_buttons import JobButtons
from difficmh_core.ui.viewer.component import PictureViewer


class CompareTab:
    """The components of the tab."""

    def __init__(self) -> None:
        """Draw the tab inside the current layout."""
        gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
        with gr.Row(equal_height=True):
            self.codecs = gr.CheckboxGroup(
                _choices(key for key in words.CODECS if key not in words.ABLATIONS),
                value=[key for key in words.CHOSEN if key not in words.ABLATIONS],
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
        self.ablations = gr.CheckboxGroup(
            _choices(words.ABLATIONS),
            value=list(words.ABLATIONS),
            label=words.WHICH_ABLATIONS,
            info=words.WHICH_ABLATIONS_HELP,
            elem_id="compare-ablations",
        )
        self.buttons = JobButtons("compare", words.COMPARE)
        self.buttons.progress.render()
        self.viewer = PictureViewer("compare-viewer", elem_id="compare-pictures")
        self.table = gr.HTML(padding=False, elem_id="compare-table")


def _choices(keys: Iterable[str]) -> list[tuple[str, str]]:
    return [(words.CODECS[key].removeprefix("Ablation: "), key) for key in keys]
