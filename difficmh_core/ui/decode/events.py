"""What happens when on the decode tab: which event follows which, and what ends it."""

from difficmh_core.ui.components.decoding import DecodingEvents
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.decode.handlers import DecodeHandlers
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.cancellation import RequestKind
from difficmh_core.ui.runtime.events import QUICK
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_decode_tab(tab: DecodeTab, service: CodecService, uploads: UploadStore) -> None:
    """Connect the components of the tab."""
    handlers = DecodeHandlers(tab, service, uploads)
    events = DecodingEvents(tab, handlers)
    events.connect_decoding()
    cleared = [*tab.panel.buttons.all, tab.status, tab.facts, *tab.decoded]
    uploaded, _ = (
        events.request(event, RequestKind.PHOTO).then(handlers.clear, outputs=cleared, **QUICK)
        for event in (tab.file.upload, tab.file.clear)
    )
    checked = uploaded.then(
        handlers.check, {tab.file}, [tab.facts, tab.panel.buttons.start], **WORKING
    )
    events.decode_after(checked.success)
