"""The tab that turns any ``.dicmh`` file back into a picture: what is where."""

from dataclasses import dataclass

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components.button_states import JobButtons
from difficmh_core.ui.components.decoder_controls import DecodePanel, draw_decode_panel
from difficmh_core.ui.decode import texts as words


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeTab:
    """The components of the tab.

    Attributes:
        request_id: Number of the last request, see :class:`Cancellation`.
        file: The ``.dicmh`` file.
        facts: What is in it.
        panel: The controls of its decoding.
        buttons: Those that start and stop it.
        status: What came of it, in numbers or in a sentence.
        picture: The preview, then the decoded picture.
        picture_file: The decoded picture to download.
    """

    request_id: gr.Number
    file: gr.File
    facts: gr.HTML
    panel: DecodePanel
    buttons: JobButtons
    status: gr.HTML
    picture: gr.Image
    picture_file: gr.DownloadButton


def draw_decode_tab(profile: str, *, is_quick: bool) -> DecodeTab:
    """Draw the tab inside the current layout.

    Args:
        profile: Whose presets are offered.
        is_quick: Whether decoding is quick enough to start automatically.
    """
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280, elem_classes="controls"):
            file = gr.File(label=words.FILE, type="filepath", height=160, elem_id="file")
            facts = gr.HTML(padding=False, elem_id="file-facts")
        with gr.Column(scale=7, min_width=280):
            panel = draw_decode_panel("decode-file", profile, is_quick=is_quick)
            progress = gr.HTML(padding=False, visible=False, elem_id="file-progress")
            status = gr.HTML(padding=False, elem_id="file-status")
            picture = gr.Image(
                label=texts.DECODED,
                format="png",
                interactive=False,
                visible=False,
                buttons=["fullscreen"],
                elem_id="file-picture",
                elem_classes="stage",
            )
            picture_file = gr.DownloadButton(
                texts.DOWNLOAD_PICTURE,
                size="sm",
                visible=False,
                elem_id="file-picture-file",
                elem_classes="save",
            )
    return DecodeTab(
        request_id=gr.Number(0, visible="hidden", elem_id="file-request"),
        file=file,
        facts=facts,
        panel=panel,
        buttons=JobButtons(start=panel.decode, stop=panel.stop, progress=progress),
        status=status,
        picture=picture,
        picture_file=picture_file,
    )
