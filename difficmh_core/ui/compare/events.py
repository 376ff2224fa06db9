"""What happens when on the compare tab."""

from difficmh_core.ui.compare.handlers import CompareHandlers
from difficmh_core.ui.compare.layout import CompareTab
from difficmh_core.ui.components.job_controls import connect_job
from difficmh_core.ui.runtime.events import QUICK
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Source
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_compare_tab(
    tab: CompareTab, service: CodecService, uploads: UploadStore, source: Source
) -> None:
    """Connect the components of the tab.

    Args:
        tab: The components.
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        source: Where the photograph comes from.
    """
    handlers = CompareHandlers(tab, service, uploads, source.session)
    inputs = {source.session, tab.codecs, tab.n_bytes}
    connect_job(tab.buttons, handlers.compare, inputs, [tab.viewer, tab.table])
    for event in source.changed:
        event.then(handlers.take_size, {source.session}, tab.n_bytes, **QUICK)
