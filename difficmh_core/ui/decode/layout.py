"""The tab that turns any ``.dicmh`` file back into a picture: what is where."""

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components.decoder_controls import DecodePanel
from difficmh_core.ui.components.decoding import DecodingTab
from difficmh_core.ui.decode import texts as words


class DecodeTab(DecodingTab):
    """The components of the tab."""

    def __init__(self, profile: str, *, is_quick: bool) -> None:
        """Draw the tab inside the current layout; arguments as of :class:`DecodePanel`."""
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=280, elem_classes="controls"):
                self.file = gr.File(label=words.FILE, type="filepath", height=160, elem_id="file")
                self.facts = gr.HTML(padding=False, elem_id="file-facts")
            with gr.Column(scale=7, min_width=280):
                self.panel = DecodePanel("decode-file", profile, is_quick=is_quick)
                self.panel.buttons.progress.render()
                self.status = gr.HTML(padding=False, elem_id="file-status")
                self.picture = gr.Image(
                    label=texts.DECODED,
                    format="png",
                    interactive=False,
                    visible=False,
                    buttons=["fullscreen"],
                    elem_id="file-picture",
                    elem_classes="stage",
                )
                self.picture_file = self._draw_picture_file("file-picture-file")
        self.request_id = gr.Number(0, visible="hidden", elem_id="file-request")
        self.source = self.file
        self.preview = self.picture
        self.decoded = [self.picture, self.picture_file]
