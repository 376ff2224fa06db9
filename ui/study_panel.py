"""The study tab: what each setting does to this photograph, measured."""

from typing import Any

import gradio as gr

from ui import locks, views
from ui import texts_study as words
from ui.compress_panel import KEPT_S, CompressTab
from ui.decode_panel import MODEL, QUICK, after_all, take_as_given
from ui.session import Update
from ui.study_handlers import Study, StudyHandlers
from ui.workshop import Workshop
from ui.zero_gpu import MAX_S, with_gpu

__all__ = ["build_study_tab"]


def build_study_tab(workshop: Workshop, source: CompressTab) -> None:
    """Draw the tab inside the current layout, and connect it.

    Args:
        workshop: What all visitors share.
        source: The tab whose photograph is studied.
    """
    handlers = StudyHandlers(workshop)
    study = gr.State(Study(), time_to_live=KEPT_S)
    gr.HTML(views.draw_lead(words.INTRODUCTION), padding=False)
    experiment, options, wishes = _build_wishes()
    with gr.Row(elem_classes="actions"):
        start = gr.Button(words.START, variant="primary", min_width=120, elem_id="study-start")
        stop = gr.Button(
            words.STOP, variant="stop", interactive=False, min_width=120, elem_id="study-stop"
        )
    progress = gr.HTML(padding=False, elem_id="study-progress")
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
        told = views.draw_lead(words.EXPLANATIONS[chosen])
        return [told, *(gr.update(visible=index in shown) for index in range(4))]

    experiment.input(show_options, experiment, options, **QUICK)
    heavy: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": progress,
        **MODEL,
    }
    ran = start.click(locks.lock_long, outputs=[start, stop, progress], **QUICK).then(
        with_gpu(handlers.run, MAX_S),
        [source.session, study, *wishes],
        [study, progress, overview, viewer, table, csv_file],
        **heavy,
    )
    ran.failure(lambda: "", None, progress, **QUICK)
    after_all(ran, locks.unlock_long, None, [start, stop])
    stop.click(
        lambda: (*locks.unlock_long(), views.draw_message(words.STOPPED)),
        outputs=[start, stop, progress],
        cancels=ran,
        **QUICK,
    )
    make.click(
        with_gpu(handlers.report, MAX_S),
        [source.session, study],
        [card, card_file, json_file],
        **heavy,
    )


def _build_wishes() -> tuple[gr.Radio, list[gr.components.Component], list[Any]]:
    """Return the question, what its choice shows or hides, and all that a study is told."""
    experiment = gr.Radio(
        list(words.EXPERIMENTS), value="grid", label=words.EXPERIMENT, elem_id="study-question"
    )
    explanation = gr.HTML(
        views.draw_lead(words.EXPLANATIONS["grid"]), padding=False, elem_id="study-explanation"
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
