"""The study tab, what each setting does to this photograph: what is where."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from difficmh_core.evaluation.experiments import EXPERIMENTS
from difficmh_core.ui.components import html
from difficmh_core.ui.components.button_states import JobButtons
from difficmh_core.ui.components.job_controls import draw_job_buttons
from difficmh_core.ui.runtime.events import Component, take_as_given
from difficmh_core.ui.study import texts as words


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTab:
    """The components of the tab.

    Attributes:
        question: Which experiment is run.
        explanation: What it does.
        guidances: Guidance scales of the grid.
        steps: Numbers of steps of the grid.
        n_seeds: How many seeds.
        qualities: Qualities of the sweep.
        buttons: Those that start and stop it.
        overview: The experiment as a whole, as a grid or as curves.
        viewer: The pictures.
        table: Everything that has been measured on this photograph.
        csv_file: The same to download.
        make_report: Makes the report card.
        card: The report card.
        card_file: The same to download.
        json_file: All its numbers to download.
    """

    question: gr.Radio
    explanation: gr.HTML
    guidances: gr.CheckboxGroup
    steps: gr.CheckboxGroup
    n_seeds: gr.Slider
    qualities: gr.CheckboxGroup
    buttons: JobButtons
    overview: gr.HTML
    viewer: gr.HTML
    table: gr.HTML
    csv_file: gr.DownloadButton
    make_report: gr.Button
    card: gr.Image
    card_file: gr.DownloadButton
    json_file: gr.DownloadButton

    @property
    def options(self) -> dict[Component, str]:
        """What experiments go through, by the names of :attr:`Experiment.options`."""
        names = {name for experiment in EXPERIMENTS.values() for name in experiment.options}
        return {getattr(self, name): name for name in sorted(names)}


def draw_study_tab() -> StudyTab:
    """Draw the tab inside the current layout."""
    gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
    first, *_ = EXPERIMENTS.values()
    question = gr.Radio(
        [(experiment.name, key) for key, experiment in EXPERIMENTS.items()],
        value=first.key,
        label=words.EXPERIMENT,
        elem_id="study-question",
    )
    explanation = gr.HTML(
        html.draw_lead(first.explanation), padding=False, elem_id="study-explanation"
    )
    options = _draw_options()
    buttons = draw_job_buttons("study", words.START)
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
    take_as_given(question, *options.values())
    return StudyTab(
        question=question,
        explanation=explanation,
        **options,
        buttons=buttons,
        overview=overview,
        viewer=viewer,
        table=table,
        csv_file=csv_file,
        make_report=make,
        card=card,
        card_file=card_file,
        json_file=json_file,
    )


def _draw_options() -> dict[str, Any]:
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
        n_seeds = gr.Slider(
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
    return {"guidances": guidances, "steps": steps, "n_seeds": n_seeds, "qualities": qualities}


def _download(label: str, name: str) -> gr.DownloadButton:
    return gr.DownloadButton(label, size="sm", visible=False, elem_id=name, elem_classes="save")
