"""What happens when on the study tab."""

import gradio as gr

from difficmh_core.ui.components.job_controls import MEASURING, connect_job
from difficmh_core.ui.runtime.events import QUICK
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import KEPT_S, Source
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.study.handlers import Study, StudyHandlers
from difficmh_core.ui.study.layout import StudyTab


def connect_study_tab(
    tab: StudyTab, service: CodecService, uploads: UploadStore, source: Source
) -> None:
    """Connect the components of the tab.

    Args:
        tab: The components.
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        source: Where the photograph comes from.
    """
    study = gr.State(Study(), time_to_live=KEPT_S)
    handlers = StudyHandlers(tab, service, uploads, session=source.session, study=study)
    tab.question.input(handlers.explain, {tab.question}, [tab.explanation, *tab.options], **QUICK)
    connect_job(
        tab.buttons,
        handlers.run,
        {source.session, study, tab.question, *tab.options},
        [study, tab.overview, tab.viewer, tab.table, tab.csv_file],
    )
    tab.make_report.click(
        handlers.report,
        {source.session, study},
        [tab.card, tab.card_file, tab.json_file],
        show_progress_on=tab.buttons.progress,
        **MEASURING,
    )
