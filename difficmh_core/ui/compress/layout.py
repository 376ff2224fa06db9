"""The compress tab: a photograph on the left, its file and what comes back on the right."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui import texts
from difficmh_core.ui.components.decoder_controls import DecodePanel
from difficmh_core.ui.components.decoding import DecodingTab
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.file_column import FileColumn
from difficmh_core.ui.runtime.events import Component
from difficmh_core.ui.runtime.session import KEPT_S, Session


class CompressTab(DecodingTab):
    """The components of the tab."""

    def __init__(self, codec: DiffICMHCodec, examples: Sequence[str], *, is_quick: bool) -> None:
        """Draw the tab; arguments as of :class:`FileColumn` and :class:`DecodePanel`."""
        self.session = gr.State(Session(), time_to_live=KEPT_S)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=280, elem_classes="controls"):
                self.file = FileColumn(codec, examples)
            with gr.Column(scale=7, min_width=280):
                self.facts = gr.HTML(draw_introduction(), padding=False, elem_id="facts")
                # Shown once there is a file.
                with gr.Column(visible=False, elem_id="decode-panel") as self.column:
                    self.dicmh_file = gr.DownloadButton(
                        words.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
                    )
                    profile = codec.config.profile
                    self.panel = DecodePanel("compress", profile, is_quick=is_quick)
                self.panel.buttons.progress.render()
                self.status = gr.HTML(padding=False, elem_id="status")
                self._draw_pictures()
                self._draw_link()
        self.request_id = gr.Number(0, visible="hidden", elem_id="compress-request")
        self.source = self.session
        self.pictures = [self.preview, self.comparison, self.picture_file]
        self.decoded = [self.session, *self.pictures]

    def _draw_pictures(self) -> None:
        self.preview = gr.Image(
            label=texts.PREVIEW,
            format="png",
            interactive=False,
            visible=False,
            buttons=[],
            elem_id="preview",
            elem_classes="stage",
        )
        self.comparison = gr.ImageSlider(
            label=words.COMPARISON,
            format="png",
            interactive=False,
            visible=False,
            max_height=560,
            buttons=["fullscreen"],
            elem_id="comparison",
        )
        self.picture_file = self._draw_picture_file("picture-file")

    def _draw_link(self) -> None:
        self.link_button = gr.Button(
            words.LINK, size="sm", elem_id="link-button", elem_classes="save"
        )
        self.link = gr.Textbox(
            label=words.LINK,
            info=words.LINK_HELP,
            interactive=False,
            buttons=["copy"],
            visible="hidden",
            elem_id="link",
        )

    @property
    def linked(self) -> dict[str, Component]:
        """What a link restores, by its names in the link."""
        return self.file.linked | self.panel.settings


def draw_introduction() -> str:
    """Draw the three steps of the codec, shown until there is a file."""
    steps = "".join(
        f"<li><strong>{escape(name)}</strong><span>{escape(what)}</span></li>"
        for name, what in words.HOW
    )
    return f'<section class="how"><h2>{words.HOW_TITLE}</h2><ol>{steps}</ol></section>'
