"""The tab that turns any ``.dicmh`` file back into a picture, with its facts."""

from typing import Any

import gradio as gr

from difficmh_core.ui import texts
from difficmh_core.ui.components import button_states
from difficmh_core.ui.components.decoder_controls import (
    MODEL,
    QUICK,
    after_all,
    build_decode_panel,
)
from difficmh_core.ui.decode.handlers import DecodeFileHandlers
from difficmh_core.ui.runtime.cancellation import Turns, Wish
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore

__all__ = ["build_decode_file_tab"]


def build_decode_file_tab(service: CodecService, uploads: UploadStore, *, is_quick: bool) -> None:
    """Draw the tab inside the current layout, and connect it.

    Args:
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        is_quick: Whether decoding is quick enough to start by itself.
    """
    handlers = DecodeFileHandlers(service, uploads)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280, elem_classes="controls"):
            file = gr.File(label=texts.FILE, type="filepath", height=160, elem_id="file")
            facts = gr.HTML(padding=False, elem_id="file-facts")
        with gr.Column(scale=7, min_width=280):
            panel = build_decode_panel(
                "decode-file", service.codec.config.profile, is_quick=is_quick
            )
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

    busy = [panel.decode, panel.stop, progress]
    # Read in the browser when an event is asked for.
    turns, ticket = Turns(), gr.Number(0, visible="hidden", elem_id="file-ticket")
    decoding: dict[str, Any] = {
        "outputs": [picture, status, picture_file, *busy],
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": progress,
        "trigger_mode": "always_last",  # it waits until the running one has ended
        **MODEL,
    }
    decode, by_itself = (
        turns.until_next(event, Wish.PICTURE)
        for event in (handlers.decode, handlers.decode_by_itself)
    )
    clicked = panel.decode.click(
        button_states.lock_for_decoding, outputs=[*busy, status], **QUICK
    ).then(decode, [ticket, file, *panel.settings], **decoding)
    cleared = [*busy, facts, status, picture, picture_file]
    uploaded, gone, stopped = (
        event(turns.ask(Wish.PHOTO), outputs=ticket, **QUICK)
        for event in (file.upload, file.clear, panel.stop.click)
    )
    checked = uploaded.then(button_states.clear_file, outputs=cleared, **QUICK).then(
        handlers.info,
        file,
        facts,
        api_visibility="private",
        show_progress="minimal",
        **MODEL,
    )
    # A choice ends the running decoding, if another one follows by itself.
    chosen = gr.on(
        panel.choices,
        turns.ask_if(Wish.PICTURE),
        panel.auto,
        ticket,
        trigger_mode="always_last",
        **QUICK,
    )
    released = gr.on(panel.releases, lambda: None, trigger_mode="always_last", **QUICK)
    decodings = [clicked]
    for event in (checked.success, chosen.then, released.then):
        locked = event(button_states.lock_if_there, [panel.auto, file], [*busy, status], **QUICK)
        asked = [ticket, panel.auto, file, *panel.settings]
        decodings.append(locked.then(by_itself, asked, **decoding))
    for decoded in decodings:
        after_all(decoded, button_states.unlock_file, file, busy)
    stopped.then(button_states.stop_file, file, [*busy, status], **QUICK)
    gone.then(button_states.clear_file, outputs=cleared, **QUICK)
