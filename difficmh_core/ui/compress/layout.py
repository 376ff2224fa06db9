"""The compress tab: a photograph on the left, its file and what comes back on the right."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui import texts
from difficmh_core.ui.components.button_states import JobButtons
from difficmh_core.ui.components.decoder_controls import DecodePanel, draw_decode_panel
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.file_column import FileColumn, draw_file_column
from difficmh_core.ui.compress.html import draw_introduction
from difficmh_core.ui.runtime.events import Component
from difficmh_core.ui.runtime.session import KEPT_S, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressTab:
    """The components of the tab.

    Attributes:
        session: What is kept for the visitor.
        request_id: Number of the last request, see :class:`Cancellation`.
        file: The photograph, and what its file shall hold.
        facts: What is in the file.
        column: Shown once there is a file; its components are below.
        dicmh_file: The file to download.
        panel: The controls of its decoding.
        buttons: Those that start and stop it.
        status: What came of it, in numbers or in a sentence.
        preview: The picture while it is being decoded.
        comparison: The original and the decoded picture.
        picture_file: The decoded picture to download.
        link_button: Makes a link.
        link: The link to these settings.
    """

    session: gr.State
    request_id: gr.Number
    file: FileColumn
    facts: gr.HTML
    column: gr.Column
    dicmh_file: gr.DownloadButton
    panel: DecodePanel
    buttons: JobButtons
    status: gr.HTML
    preview: gr.Image
    comparison: gr.ImageSlider
    picture_file: gr.DownloadButton
    link_button: gr.Button
    link: gr.Textbox

    @property
    def linked(self) -> dict[str, Component]:
        """What a link restores, by its names in the link."""
        return self.file.linked | dict(self.panel.settings)


def draw_compress_tab(
    codec: DiffICMHCodec, examples: Sequence[str], *, is_quick: bool
) -> CompressTab:
    """Draw the tab inside the current layout.

    Args:
        codec: Whose settings are offered.
        examples: Names of served photographs, for visitors who have none at hand.
        is_quick: Whether decoding is quick enough to start automatically.
    """
    session = gr.State(Session(), time_to_live=KEPT_S)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280, elem_classes="controls"):
            file = draw_file_column(codec, examples)
        with gr.Column(scale=7, min_width=280):
            facts = gr.HTML(draw_introduction(), padding=False, elem_id="facts")
            with gr.Column(visible=False, elem_id="decode-panel") as column:
                dicmh_file = gr.DownloadButton(
                    words.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
                )
                panel = draw_decode_panel("compress", codec.config.profile, is_quick=is_quick)
            progress = gr.HTML(padding=False, visible=False, elem_id="progress")
            status = gr.HTML(padding=False, elem_id="status")
            preview, comparison, picture_file = _draw_pictures()
            link_button = gr.Button(
                words.LINK, size="sm", elem_id="link-button", elem_classes="save"
            )
            link = gr.Textbox(
                label=words.LINK,
                info=words.LINK_HELP,
                interactive=False,
                buttons=["copy"],
                visible="hidden",
                elem_id="link",
            )
    return CompressTab(
        session=session,
        request_id=gr.Number(0, visible="hidden", elem_id="compress-request"),
        file=file,
        facts=facts,
        column=column,
        dicmh_file=dicmh_file,
        panel=panel,
        buttons=JobButtons(start=panel.decode, stop=panel.stop, progress=progress),
        status=status,
        preview=preview,
        comparison=comparison,
        picture_file=picture_file,
        link_button=link_button,
        link=link,
    )


def _draw_pictures() -> tuple[gr.Image, gr.ImageSlider, gr.DownloadButton]:
    preview = gr.Image(
        label=texts.PREVIEW,
        format="png",
        interactive=False,
        visible=False,
        buttons=[],
        elem_id="preview",
        elem_classes="stage",
    )
    comparison = gr.ImageSlider(
        label=words.COMPARISON,
        format="png",
        interactive=False,
        visible=False,
        max_height=560,
        buttons=["fullscreen"],
        elem_id="comparison",
    )
    picture_file = gr.DownloadButton(
        texts.DOWNLOAD_PICTURE,
        size="sm",
        visible=False,
        elem_id="picture-file",
        elem_classes="save",
    )
    return preview, comparison, picture_file
