"""The compress tab: a photograph on the left, its file and what comes back on the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from difficmh_core.config import DecodeSettings
from difficmh_core.presets import presets_of
from ui import locks, texts, views
from ui.compress_handlers import CompressHandlers
from ui.decode_panel import QUICK, DecodePanel, build_decode_panel
from ui.file_column import FileColumn, build_file_column
from ui.links import link_script, name_examples_script, read_link
from ui.session import Controls, Session, Update
from ui.turns import Turns
from ui.workshop import Workshop
from ui.zero_gpu import decode_duration_s, encode_duration_s, with_gpu

__all__ = ["MODEL", "CompressTab", "build_compress_tab"]

KEPT_S = 600
"""What the page keeps for a visitor is forgotten after this time [s]."""
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
"""All heavy events wait in one queue for the one model."""
RECEIVING: dict[str, Any] = {"concurrency_id": "uploads", "concurrency_limit": 4}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """The components that show what came of it."""

    facts: gr.HTML
    column: gr.Column
    dicmh_file: gr.DownloadButton
    progress: gr.HTML
    status: gr.HTML
    preview: gr.Image
    comparison: gr.ImageSlider
    picture_file: gr.DownloadButton


def build_compress_tab(
    demo: gr.Blocks, workshop: Workshop, examples: Sequence[Path], *, is_quick: bool
) -> CompressTab:
    """Draw the tab inside the current layout, and connect it.

    Args:
        demo: The page, which restores the settings of a link.
        workshop: What all visitors share.
        examples: Photographs for visitors who have none at hand.
        is_quick: Whether decoding is quick enough to start by itself.
    """
    session = gr.State(Session(), time_to_live=KEPT_S)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280, elem_classes="controls"):
            file = build_file_column(workshop, examples)
        with gr.Column(scale=7, min_width=280):
            stage, panel, link, link_button = _build_stage_column(workshop, is_quick=is_quick)

    linked = [*file.coding, *panel.settings]
    link_button.click(None, linked, link, js=link_script(), **QUICK).then(
        lambda: gr.update(visible=True), None, link, **QUICK
    )

    def restore_link(request: gr.Request) -> Sequence[Update]:
        config = workshop.codec.config
        refines = config.rate_weights is not None
        return read_link(dict(request.query_params), presets_of(config.profile), refines=refines)

    # In the queue, since Gradio shows no error of an event outside it as a toast.
    demo.load(restore_link, None, [*linked, panel.preset], **QUICK | {"queue": True})
    demo.load(None, js=name_examples_script([path.stem for path in examples]), **QUICK)
    changed = _connect(CompressHandlers(workshop), session, file, stage, panel)
    return CompressTab(session=session, panel=panel, changed=changed)


def _build_stage_column(
    workshop: Workshop, *, is_quick: bool
) -> tuple[_Stage, DecodePanel, gr.Textbox, gr.Button]:
    facts = gr.HTML(views.draw_introduction(), padding=False, elem_id="facts")
    with gr.Column(visible=False, elem_id="decode-panel") as column:
        dicmh_file = gr.DownloadButton(
            texts.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
        )
        panel = build_decode_panel("compress", workshop.codec.config.profile, is_quick=is_quick)
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
    stage = _Stage(
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


def _connect(
    handlers: CompressHandlers,
    session: gr.State,
    file: FileColumn,
    stage: _Stage,
    panel: DecodePanel,
) -> list[Any]:
    """Say what happens when; return the events after which there is another file."""
    turns, busy = Turns(), [panel.decode, panel.stop, stage.progress]
    shown = [stage.status, stage.preview, stage.comparison, stage.picture_file]
    decoding: dict[str, Any] = {
        "outputs": [
            *(session, stage.preview, stage.comparison),
            *(stage.progress, stage.status, stage.picture_file, panel.decode, panel.stop),
        ],
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": stage.progress,
        "trigger_mode": "always_last",  # it waits until the running one has ended
        **MODEL,
    }
    decodings = []

    def decode_with(event: Any, asked: Sequence[Any]) -> None:  # noqa: ANN401 (no type)
        decoded = event(
            inputs=[*asked, session, *panel.settings],
            fn=turns.until_next(
                with_gpu(handlers.decode_by_itself if asked else handlers.decode, _duration_s)
            ),
            **decoding,
        )
        decoded.then(locks.unlock, session, busy, **QUICK)
        decodings.append(decoded)

    def decode_after(event: Any) -> None:  # noqa: ANN401 (Gradio's dependencies have no type)
        locked = event(locks.lock_if_wanted, [panel.auto, session], [*busy, stage.status], **QUICK)
        decode_with(locked.then, [panel.auto])

    clicked = panel.decode.click(locks.lock_for_decoding, outputs=[*busy, stage.status], **QUICK)
    decode_with(clicked.then, [])

    coding: dict[str, Any] = {
        "outputs": [
            *(session, stage.facts, file.tags, stage.dicmh_file),
            *(stage.status, stage.progress),
        ],
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": stage.facts,
        "trigger_mode": "always_last",
        **MODEL,
    }
    encode, recode = (
        turns.until_next(with_gpu(event, _encoding_s), keeps_last=True)
        for event in (handlers.encode, handlers.recode)
    )
    mode, quality, target, send_tags, passes = file.coding
    codings, changed = [], []
    chosen = [file.photo.upload]
    if file.gallery is not None:
        chosen.append(file.gallery.load_input_event.then)
    for choose in chosen:
        asked = choose(turns.ask_anew, trigger_mode="always_last", **QUICK)
        cleared = asked.then(locks.clear, outputs=[*busy, *shown], **QUICK)
        received = cleared.then(
            handlers.receive,
            file.photo,
            [session, file.photo],
            show_progress="hidden",
            api_visibility="private",
            **RECEIVING,
        )
        ready = received.success(locks.lock_for_first, passes, [*busy, stage.column], **QUICK)
        encoded = ready.then(encode, [session, *file.coding], **coding)
        restored = [file.photo, stage.status, stage.column]
        for event in (received, encoded):
            event.failure(handlers.restore, session, restored, **QUICK)
        encoded.then(locks.unlock, session, busy, **QUICK)
        shown_file = encoded.success(locks.show_if_there, session, stage.column, **QUICK)
        decode_after(shown_file.then)
        codings.append(encoded)
        changed.append(encoded)

    changes = [
        *(quality.change, target.submit, passes.change),
        *(mode.input, file.tags.input, send_tags.input),
    ]
    added = file.add_tag.input(turns.ask, **QUICK).then(
        handlers.add_tag,
        [session, file.tags, file.add_tag],
        [session, file.tags, file.add_tag],
        **QUICK,
    )
    # Of changes that follow each other quickly, the last counts; "once" would drop it.
    change = gr.on(changes, turns.ask, trigger_mode="always_last", **QUICK)
    for event in (change, added):
        locked = event.then(locks.lock_for_encoding, passes, [*busy, stage.preview], **QUICK)
        again = locked.then(recode, [session, file.tags, *file.coding], **coding)
        again.then(locks.unlock, session, busy, **QUICK)
        shown_file = again.success(locks.show_if_there, session, stage.column, **QUICK)
        decode_after(shown_file.then)
        codings.append(again)
        changed.append(again)

    for triggers, noted in ((panel.choices, turns.ask), (panel.releases, lambda: None)):
        touched = gr.on(triggers, noted, trigger_mode="always_last", **QUICK)
        decode_after(touched.then)
    panel.stop.click(
        locks.stop, session, [*busy, stage.status], cancels=[*decodings, *codings], **QUICK
    )
    forgotten = [session, stage.facts, file.tags, stage.dicmh_file, *shown, stage.column]
    cleared = file.photo.clear(turns.ask_anew, **QUICK).then(
        handlers.forget, outputs=forgotten, **QUICK
    )
    cleared.then(locks.unlock, session, busy, **QUICK)
    return changed


def _encoding_s(*arguments: Any) -> int:  # noqa: ANN401 (as the events get them)
    """Return for how long an encoding borrows the GPU [s]."""
    session = next(item for item in arguments if isinstance(item, Session))
    if session.photo is None:
        return encode_duration_s(0, 0)
    passes = arguments[-1] if isinstance(arguments[-1], int | float) else 0
    with Image.open(session.photo.path) as image:
        return encode_duration_s(int(passes), image.width * image.height)


def _duration_s(*arguments: Any) -> int:  # noqa: ANN401 (as the events get them)
    """Return for how long a decoding borrows the GPU [s]."""
    session = next(item for item in arguments if isinstance(item, Session))
    stream = session.encoded.stream if session.encoded else None
    n_pixels = stream.height_px * stream.width_px if stream else 0
    controls = Controls(*arguments[-len(Controls._fields) :])
    settings = DecodeSettings(steps=int(controls.steps), realism=float(controls.realism))
    return decode_duration_s(settings, n_pixels)
