"""The compress tab: a photograph on the left, its file and what comes back on the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from difficmh_core.config.presets import presets_of
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoder_controls import QUICK, DecodePanel, build_decode_panel
from difficmh_core.ui.compress.events import CompressEvents, Stage
from difficmh_core.ui.compress.file_column import build_file_column
from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.compress.links import link_script, name_examples_script, read_link
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Session, Update
from difficmh_core.ui.runtime.uploads import UploadStore

__all__ = ["CompressTab", "build_compress_tab"]

KEPT_S = 600
"""What the page keeps for a visitor is forgotten after this time [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressTab:
    """What the rest of the page needs of this tab.

    Attributes:
        session: What is kept for the visitor.
        panel: The controls of its decoding.
        changed: Events after which the session holds another file.
    """

    session: gr.State
    panel: DecodePanel
    changed: Sequence[Any]


def build_compress_tab(
    demo: gr.Blocks,
    service: CodecService,
    uploads: UploadStore,
    examples: Sequence[str],
    *,
    is_quick: bool,
) -> CompressTab:
    """Draw the tab inside the current layout, and connect it.

    Args:
        demo: The page, which restores the settings of a link.
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        examples: Names of served photographs, for visitors who have none at hand.
        is_quick: Whether decoding is quick enough to start by itself.
    """
    session = gr.State(Session(), time_to_live=KEPT_S)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280, elem_classes="controls"):
            file = build_file_column(service.codec, examples)
        with gr.Column(scale=7, min_width=280):
            stage, panel, link, link_button = _build_stage_column(service, is_quick=is_quick)

    linked = [*file.coding, *panel.settings]
    link_button.click(None, linked, link, js=link_script(), **QUICK).then(
        lambda: gr.update(visible=True), None, link, **QUICK
    )

    def restore_link(request: gr.Request) -> Sequence[Update]:
        config = service.codec.config
        refines = config.rate_weights is not None
        return read_link(dict(request.query_params), presets_of(config.profile), refines=refines)

    # In the queue, since Gradio shows no error of an event outside it as a toast.
    demo.load(restore_link, None, [*linked, panel.preset], **QUICK | {"queue": True})
    demo.load(None, js=name_examples_script([Path(name).stem for name in examples]), **QUICK)
    events = CompressEvents(CompressHandlers(service, uploads), session, file, stage, panel)
    changed = events.connect()
    return CompressTab(session=session, panel=panel, changed=changed)


def _build_stage_column(
    service: CodecService, *, is_quick: bool
) -> tuple[Stage, DecodePanel, gr.Textbox, gr.Button]:
    facts = gr.HTML(html.draw_introduction(), padding=False, elem_id="facts")
    with gr.Column(visible=False, elem_id="decode-panel") as column:
        dicmh_file = gr.DownloadButton(
            texts.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
        )
        panel = build_decode_panel("compress", service.codec.config.profile, is_quick=is_quick)
    progress = gr.HTML(padding=False, visible=False, elem_id="progress")
    status = gr.HTML(padding=False, elem_id="status")
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
        label=texts.COMPARISON,
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
    link_button = gr.Button(texts.LINK, size="sm", elem_id="link-button", elem_classes="save")
    link = gr.Textbox(
        label=texts.LINK,
        info=texts.LINK_HELP,
        interactive=False,
        buttons=["copy"],
        visible="hidden",
        elem_id="link",
    )
    stage = Stage(
        facts=facts,
        column=column,
        dicmh_file=dicmh_file,
        progress=progress,
        status=status,
        preview=preview,
        comparison=comparison,
        picture_file=picture_file,
    )
    return stage, panel, link, link_button
