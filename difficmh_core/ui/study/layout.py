"""The study tab: what each setting does to this photograph, measured."""

from typing import Any

import gradio as gr

from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoder_controls import QUICK, take_as_given
from difficmh_core.ui.components.job_controls import MEASURING, connect_long_work, draw_actions
from difficmh_core.ui.compress.layout import KEPT_S, CompressTab
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Update
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.study import texts as words
from difficmh_core.ui.study.handlers import Study, StudyHandlers

__all__ = ["build_study_tab"]


def build_study_tab(service: CodecService, uploads: UploadStore, source: CompressTab) -> None:
    """Draw the tab inside the current layout, and connect it.

    Args:
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        source: The tab whose photograph is studied.
    """
    handlers = StudyHandlers(service, uploads)
    study = gr.State(Study(), time_to_live=KEPT_S)
    gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
    experiment, options, wishes = _build_wishes()
    actions = draw_actions("study", words.START)
    _, _, progress = actions
    overview = gr.HTML(padding=False, elem_id="study-overview")
    viewer = gr.HTML(padding=False, elem_id="study-pictures")
    table = gr.HTML(padding=False, elem_id="study-table")
    with gr.Row(elem_classes="files"):
        csv_file = _download(words.DOWNLOAD_CSV, "study-csv")
        make = gr.Button(words.MAKE_REPORT, size="sm", elem_id="study-report", elem_classes="save")
        card_file = _download(words.DOWNLOAD_CARD, "study-card-file")
        json_file = _download(words.DOWNLOAD_JSON, "study-json")
    card = gr.Image(
        label=words.CARD,
        format="png",
        interactive=False,
        visible=False,
        buttons=["fullscreen"],
        elem_id="study-card",
    )
    take_as_given(*wishes)

    def show_options(chosen: str) -> list[Update]:
        shown = {"grid": (0, 1), "seeds": (2,), "sweep": (3,)}.get(chosen, ())
        told = html.draw_lead(words.EXPLANATIONS[chosen])
        return [told, *(gr.update(visible=index in shown) for index in range(4))]

    experiment.input(show_options, experiment, options, **QUICK)
    connect_long_work(
        actions,
        handlers.run,
        [source.session, study, *wishes],
        [study, progress, overview, viewer, table, csv_file],
    )
    make.click(
        with_gpu(handlers.report, MAX_S),
        [source.session, study],
        [card, card_file, json_file],
        show_progress_on=progress,
        **MEASURING,
    )


def _build_wishes() -> tuple[gr.Radio, list[gr.components.Component], list[Any]]:
    """Return the question, what its choice shows or hides, and all that a study is told."""
    experiment = gr.Radio(
        list(words.EXPERIMENTS), value="grid", label=words.EXPERIMENT, elem_id="study-question"
    )
    explanation = gr.HTML(
        html.draw_lead(words.EXPLANATIONS["grid"]), padding=False, elem_id="study-explanation"
    )
    with gr.Row(elem_id="study-options"):
        guidances = gr.CheckboxGroup(
            [(f"{value:g}", value) for value in words.GUIDANCE_CHOICES],
            value=list(words.GUIDANCES_CHOSEN),
            label=words.GUIDANCES,
            elem_id="study-guidances",
        )
        steps = gr.CheckboxGroup(
            [(str(value), value) for value in words.STEP_CHOICES],
            value=list(words.STEPS_CHOSEN),
            label=words.STEPS,
            elem_id="study-steps",
        )
        seeds = gr.Slider(
            2,
            16,
            4,
            step=1,
            label=words.SEEDS,
            info=words.SEEDS_HELP,
            visible=False,
            elem_id="study-seeds",
        )
        qualities = gr.CheckboxGroup(
            [(str(value), value) for value in words.QUALITY_CHOICES],
            value=list(words.QUALITY_CHOICES),
            label=words.QUALITIES,
            visible=False,
            elem_id="study-qualities",
        )
    settings = [guidances, steps, seeds, qualities]
    return experiment, [explanation, *settings], [experiment, *settings]


def _download(label: str, name: str) -> gr.DownloadButton:
    return gr.DownloadButton(label, size="sm", visible=False, elem_id=name, elem_classes="save")
