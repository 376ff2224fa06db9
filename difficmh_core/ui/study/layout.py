"""The study tab, what each setting does to this photograph: what is where."""

import gradio as gr

from difficmh_core.evaluation.experiments import EXPERIMENTS
from difficmh_core.ui.components import html
from difficmh_core.ui.components.job_buttons import JobButtons
from difficmh_core.ui.runtime.events import Component, take_as_given
from difficmh_core.ui.study import texts as words


class StudyTab:
    """The components of the tab."""

    def __init__(self) -> None:
        """Draw the tab inside the current layout."""
        gr.HTML(html.draw_lead(words.INTRODUCTION), padding=False)
        first, *_ = EXPERIMENTS.values()
        self.question = gr.Radio(
            [(experiment.name, key) for key, experiment in EXPERIMENTS.items()],
            value=first.key,
            label=words.EXPERIMENT,
            elem_id="study-question",
        )
        self.explanation = gr.HTML(
            html.draw_lead(first.explanation), padding=False, elem_id="study-explanation"
        )
        self._draw_options()
        self.buttons = JobButtons("study", words.START)
        self.buttons.progress.render()
        self.overview = gr.HTML(padding=False, elem_id="study-overview")
        self.viewer = gr.HTML(padding=False, elem_id="study-pictures")
        self.table = gr.HTML(padding=False, elem_id="study-table")
        with gr.Row(elem_classes="files"):
            self.csv_file = _download(words.DOWNLOAD_CSV, "study-csv")
            self.make_report = gr.Button(
                words.MAKE_REPORT, size="sm", elem_id="study-report", elem_classes="save"
            )
            self.card_file = _download(words.DOWNLOAD_CARD, "study-card-file")
            self.json_file = _download(words.DOWNLOAD_JSON, "study-json")
        self.card = gr.Image(
            label=words.CARD,
            format="png",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            elem_id="study-card",
        )
        take_as_given(self.question, *self.options)

    def _draw_options(self) -> None:
        with gr.Row(elem_id="study-options"):
            self.guidances = gr.CheckboxGroup(
                [(f"{value:g}", value) for value in words.GUIDANCE_CHOICES],
                value=list(words.GUIDANCES_CHOSEN),
                label=words.GUIDANCES,
                elem_id="study-guidances",
            )
            self.steps = gr.CheckboxGroup(
                [(str(value), value) for value in words.STEP_CHOICES],
                value=list(words.STEPS_CHOSEN),
                label=words.STEPS,
                elem_id="study-steps",
            )
            self.n_seeds = gr.Slider(
                2,
                16,
                4,
                step=1,
                label=words.SEEDS,
                info=words.SEEDS_HELP,
                visible=False,
                elem_id="study-seeds",
            )
            self.qualities = gr.CheckboxGroup(
                [(str(value), value) for value in words.QUALITY_CHOICES],
                value=list(words.QUALITY_CHOICES),
                label=words.QUALITIES,
                visible=False,
                elem_id="study-qualities",
            )

    @property
    def options(self) -> dict[Component, str]:
        """What experiments go through, by the names of :attr:`Experiment.options`."""
        names = {name for experiment in EXPERIMENTS.values() for name in experiment.options}
        return {getattr(self, name): name for name in sorted(names)}


def _download(label: str, name: str) -> gr.DownloadButton:
    return gr.DownloadButton(label, size="sm", visible=False, elem_id=name, elem_classes="save")
