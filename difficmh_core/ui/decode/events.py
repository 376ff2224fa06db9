"""What happens when on the decode tab: which event follows which, and what ends it."""

import gradio as gr

from difficmh_core.ui.components.decoding import DecodingEvents
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.decode.handlers import DecodeHandlers
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.cancellation import RequestKind
from difficmh_core.ui.runtime.events import QUICK
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_decode_tab(
    tab: DecodeTab, service: CodecService, uploads: UploadStore
) -> DecodingEvents:
    """Connect the components of the tab."""
    handlers = DecodeHandlers(tab, service, uploads)
    events = DecodingEvents(tab, handlers)
    events.connect_decoding()
    cleared = [*tab.panel.buttons.all, tab.panel.outdated, tab.status, tab.facts, *tab.decoded]
    buttons = tab.panel.buttons
    uploaded, _ = (
        events.request(event, RequestKind.PHOTO).then(show, outputs=cleared, **QUICK)
        for event, show in (
            (tab.file.upload, handlers.wait_for_check),
            (tab.file.clear, handlers.clear),
        )
    )
    checked = uploaded.then(
        handlers.check,
        {tab.file},
        [tab.facts, buttons.start, buttons.progress],
        show_progress_on=buttons.progress,
        **WORKING,
    )
    checked.failure(lambda: gr.update(visible=False), None, buttons.progress, **QUICK)
    events.decode_after(checked.success)
    return events
