"""What happens when on the decode tab: which event follows which, and what ends it."""

from typing import Any

import gradio as gr

from difficmh_core.ui.decode.handlers import DecodeHandlers
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.cancellation import Cancellation, RequestKind
from difficmh_core.ui.runtime.events import LATEST, MODEL, QUICK, after_all
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_decode_tab(tab: DecodeTab, service: CodecService, uploads: UploadStore) -> None:
    """Connect the components of the tab.

    Args:
        tab: The components.
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
    """
    handlers, panel = DecodeHandlers(tab, service, uploads), tab.panel
    cancellation, request_id = Cancellation(tab.request_id), tab.request_id
    busy = [*tab.buttons.all, tab.status]
    cleared = [*busy, tab.facts, tab.picture, tab.picture_file]
    inputs = {request_id, tab.file, panel.auto, *panel.settings.values()}
    decoding: dict[str, Any] = {
        "outputs": [*busy, tab.picture, tab.picture_file],
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": tab.buttons.progress,
        **LATEST,  # it waits until the running one has ended
        **MODEL,
    }
    clicked = panel.decode.click(handlers.wait, outputs=busy, **QUICK).then(
        cancellation.until_next(handlers.decode, RequestKind.PICTURE), inputs, **decoding
    )
    uploaded, gone, stopped = (
        event(cancellation.request(RequestKind.PHOTO), outputs=request_id, **QUICK)
        for event in (tab.file.upload, tab.file.clear, panel.stop.click)
    )
    checked = uploaded.then(handlers.clear, outputs=cleared, **QUICK).then(
        handlers.check,
        {tab.file},
        tab.facts,
        api_visibility="private",
        show_progress="minimal",
        **MODEL,
    )
    # A choice ends the running decoding, if another one follows automatically.
    chosen = gr.on(
        panel.choices,
        cancellation.request_if(RequestKind.PICTURE, lambda values: values[panel.auto]),
        {panel.auto},
        request_id,
        **LATEST,
        **QUICK,
    )
    released = gr.on(panel.releases, lambda: None, **LATEST, **QUICK)
    decodings = [clicked]
    for event in (checked.success, chosen.then, released.then):
        waited = event(handlers.wait_if_wanted, {panel.auto, tab.file}, busy, **QUICK)
        automatic = cancellation.until_next(handlers.decode_automatically, RequestKind.PICTURE)
        decodings.append(waited.then(automatic, inputs, **decoding))
    for decoded in decodings:
        after_all(decoded, handlers.rest, {tab.file}, tab.buttons.all)
    stopped.then(handlers.stop, {tab.file}, busy, **QUICK)
    gone.then(handlers.clear, outputs=cleared, **QUICK)
