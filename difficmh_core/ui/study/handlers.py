"""Events of the study tab: experiments on one photograph, their table and report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from difficmh_core.config.experiments import ExperimentRequest
from difficmh_core.config.profiles import preset_of
from difficmh_core.evaluation.experiments import (
    EXPERIMENTS,
    ExperimentResult,
    Variant,
    plan,
    uncertainty,
)
from difficmh_core.evaluation.lines import csv_of
from difficmh_core.ui.components import html
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.components.progress import draw_part
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import QUICK, Updates, Values
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu
from difficmh_core.ui.runtime.requests import whole_number
from difficmh_core.ui.runtime.service import CodecService, Decoding, png_of
from difficmh_core.ui.runtime.session import KEPT_S, Session
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.study import texts
from difficmh_core.ui.study.layout import StudyTab
from difficmh_core.ui.study.photograph import StudyInput, run_by_service
from difficmh_core.ui.study.plots import draw_curves
from difficmh_core.ui.study.report import draw_card, report_of
from difficmh_core.ui.viewer.markup import Figure, viewer_markup
from difficmh_core.ui.viewer.metrics import METRICS, best_of, facts_of, original_figure

VIEWER_ID = "study-viewer"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What has been measured on a visitor's photograph.

    Attributes:
        digest: Of the photograph.
        rows: One for each picture, the newest last.
    """

    digest: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()

    def of(self, given: StudyInput) -> "Study":
        """Begin anew if it was another photograph."""
        digest = given.photo.digest
        return self if self.digest == digest else Study(digest=digest)


def connect_study_tab(
    tab: StudyTab, service: CodecService, uploads: UploadStore, session: gr.State
) -> None:
    """Connect the components of the tab."""
    study = gr.State(Study(), time_to_live=KEPT_S)
    handlers = StudyHandlers(tab, service, uploads, session=session, study=study)
    tab.question.input(handlers.explain, {tab.question}, [tab.explanation, *tab.options], **QUICK)
    tab.buttons.connect(
        handlers.run,
        {session, study, tab.question, *tab.options},
        [study, tab.overview, tab.viewer, tab.table, tab.csv_file],
    )
    tab.make_report.click(
        handlers.report,
        {session, study},
        [tab.card, tab.card_file, tab.json_file],
        show_progress_on=tab.buttons.progress,
        **WORKING,
    )


class StudyHandlers:
    """The events of one page."""

    def __init__(
        self,
        tab: StudyTab,
        service: CodecService,
        uploads: UploadStore,
        *,
        session: gr.State,
        study: gr.State,
    ) -> None:
        self._tab, self._service, self._uploads = tab, service, uploads
        self._session, self._study = session, study
        self._codec = service.codec
        self._measure = with_gpu(self._measure_now, MAX_S)

    def explain(self, values: Values) -> Updates:
        """Say what a question does, and show what can be set for it."""
        experiment = EXPERIMENTS[values[self._tab.question]]
        return {self._tab.explanation: html.draw_lead(experiment.explanation)} | {
            option: gr.update(visible=name in experiment.options)
            for option, name in self._tab.options.items()
        }

    @with_errors
    def run(self, values: Values) -> Iterator[Updates]:
        """Run an experiment, and show every picture as soon as it is there."""
        tab, given = self._tab, self._given(values[self._session])
        request = self._request(values)
        has_rates = self._codec.config.rate is None
        variants = plan(request, given.encoded, given.settings, has_rates=has_rates)
        study = values[self._study].of(given)
        results = list[ExperimentResult]()
        with closing(self._measure(given, variants)) as states:
            for state in states:
                number = len(results) + 1
                place = {
                    "index": number,
                    "total": len(variants),
                    "label": variants[number - 1].label,
                }
                if isinstance(state, ExperimentResult):
                    results.append(state)
                    study = replace(study, rows=(*study.rows, state.row()))
                    words = texts.MEASURING.format(**place)
                    progress = draw_part(number, len(variants), words)
                    yield tab.buttons.at_work(progress) | self._show(
                        given, variants, results, study
                    )
                    continue
                part = number - 1 + state.index / max(state.total, 1)
                words = texts.WORKING.format(**place, step=state.index, steps=state.total)
                yield tab.buttons.at_work(draw_part(part, len(variants), words))
        done = html.draw_message(texts.DONE.format(n=len(results)))
        yield tab.buttons.at_work(done) | self._show(given, variants, results, study)

    @with_errors
    def report(self, values: Values) -> Iterator[Updates]:
        """Make the report card of the visitor's file."""
        given = self._given(values[self._session])
        variant = Variant(
            experiment="report",
            key="report",
            label=texts.CARD_DECODED,
            quality=given.encoded.stream.quality,
            tags=given.encoded.tags,
            settings=given.settings,
        )
        *_, result = self._measure(given, [variant])
        rows = values[self._study].of(given).rows
        report = report_of(self._codec, given, result, rows)
        name = given.photo.name
        card = png_of(draw_card(report, given, result))
        image = self._service.save(card, f"{name}-report.png")
        data = json.dumps(report, indent=1, ensure_ascii=False).encode()
        file = self._service.save(data, f"{name}-report.json")
        yield {
            self._tab.card: gr.update(value=image, visible=True),
            self._tab.card_file: gr.update(value=image, visible=True),
            self._tab.json_file: gr.update(value=file, visible=True),
        }

    @with_errors
    def _measure_now(
        self, given: StudyInput, variants: Sequence[Variant]
    ) -> Iterator[Decoding | ExperimentResult]:
        for variant in variants:
            yield from run_by_service(self._service, given, variant)

    def _given(self, session: Session) -> StudyInput:
        if session.photo is None or session.encoded is None:
            raise shown_error(texts.NO_PHOTO)
        return StudyInput(
            photo=session.photo,
            image=self._uploads.load(session.photo),
            encoded=session.encoded,
            settings=session.settings or preset_of(self._codec.config.profile),
        )

    def _request(self, values: Values) -> ExperimentRequest:
        """Gather what a visitor wants to know.

        Raises:
            ConfigError: If the number of seeds is no whole number.
        """
        tab = self._tab
        return ExperimentRequest(
            experiment=values[tab.question],
            guidances=tuple(sorted(map(float, values[tab.guidances]))),
            steps=tuple(sorted(map(int, values[tab.steps]))),
            n_seeds=max(2, min(16, whole_number("n_seeds", values[tab.n_seeds]))),
            qualities=tuple(sorted(map(float, values[tab.qualities]))),
        )

    def _show(
        self,
        given: StudyInput,
        variants: Sequence[Variant],
        results: Sequence[ExperimentResult],
        study: Study,
    ) -> Updates:
        tab, experiment, name = self._tab, variants[0].experiment, given.photo.name
        best = best_of([item.values for item in results])
        figures = [
            Figure(
                key=item.variant.key,
                label=item.variant.label,
                source=self._service.address_of(item.png, f"{name}-{item.variant.key}.png"),
                facts=facts_of(item.n_bytes, item.bpp, item.values, best),
            )
            for item in results
        ]
        draw_overview = _OVERVIEWS.get(experiment)
        overview = draw_overview(variants, results, figures) if draw_overview else ""
        figures = [*self._spread(given, results), *figures]
        size = given.image.height, given.image.width
        viewer = viewer_markup(
            [original_figure(given.photo.path), *figures],
            size=size,
            viewer_id=f"{VIEWER_ID}-{experiment}",
        )
        table = csv_of(study.rows, line_end="\r\n").encode()
        path = self._service.save(table, f"{name}-study.csv")
        return {
            self._study: study,
            tab.overview: overview,
            tab.viewer: viewer,
            tab.table: _draw_rows(study.rows),
            tab.csv_file: gr.update(value=path, visible=True),
        }

    def _spread(self, given: StudyInput, results: Sequence[ExperimentResult]) -> list[Figure]:
        """Show how pictures of the same file differ, where it was decoded from several seeds."""
        if len({item.variant.settings.seed for item in results}) < 2:
            return []
        mean, spread, peak = uncertainty([item.image for item in results])
        words = {
            "mean": (mean, texts.MEAN.format(n=len(results)), texts.MEAN_NOTE),
            "spread": (spread, texts.UNCERTAINTY, texts.UNCERTAINTY_NOTE.format(peak=peak)),
        }
        return [
            Figure(
                key=key,
                label=label,
                source=self._service.address_of(png_of(image), f"{given.photo.name}-{key}.png"),
                note=note,
            )
            for key, (image, label, note) in words.items()
        ]


def _draw_grid(
    variants: Sequence[Variant],
    results: Sequence[ExperimentResult],
    figures: Sequence[Figure],
) -> str:
    """Draw guidance x steps as a table of pictures; what is still to come is empty."""
    best = best_of([item.values for item in results])
    guidances = sorted({variant.settings.guidance_scale for variant in variants})
    steps = sorted({variant.settings.steps for variant in variants})
    found = {
        (item.variant.settings.steps, item.variant.settings.guidance_scale): (item, figure)
        for item, figure in zip(results, figures, strict=True)
    }
    heads = [texts.GRID_CORNER, *(f"{guidance:g}" for guidance in guidances)]
    lines = (
        html.draw_line(
            str(n), (_draw_cell(found.get((n, guidance)), best) for guidance in guidances)
        )
        for n in steps
    )
    return html.draw_table(texts.GRID, map(html.draw_head, heads), lines, look="grid-of-pictures")


def _draw_curves(
    _: Sequence[Variant], results: Sequence[ExperimentResult], __: Sequence[Figure]
) -> str:
    return draw_curves([(item.bpp, item.values) for item in results])


def _draw_cell(found: tuple[ExperimentResult, Figure] | None, best: Mapping[str, float]) -> str:
    if found is None:
        return "<td></td>"
    item, figure = found
    psnr, lpips = item.values["psnr_db"], item.values.get("lpips_alex")
    more = texts.GRID_CELL_MORE.format(psnr=psnr, seconds=item.seconds)
    first = "" if lpips is None else f"<span>{texts.GRID_CELL.format(lpips=lpips)}</span>"
    is_best = lpips is not None and best.get("lpips_alex") == lpips
    return (
        f'<td{" class=best" if is_best else ""}><img src="{escape(figure.source)}" '
        f'alt="{escape(figure.label)}">{first}<span>{more}</span></td>'
    )


def _draw_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw everything that has been measured, the newest first."""
    keys = [key for key in METRICS if any(key in row for row in rows)]
    names = [*texts.COLUMNS.values(), *(METRICS[key].short for key in keys)]
    lines = []
    for row in reversed(rows):
        told = dict(row) | {
            "experiment": EXPERIMENTS[row["experiment"]].name,
            "n_bytes": f"{row['n_bytes']:,}",
            "bpp": f"{row['bpp']:.4f}",
            "seconds": f"{row['seconds']:.1f}",
        }
        told |= {key: METRICS[key].text(row[key]) for key in keys if key in row}
        first, *others = (str(told.get(key, "")) for key in [*texts.COLUMNS, *keys])
        lines.append(html.draw_line(first, html.draw_cells(others)))
    return html.draw_table(texts.TABLE, map(html.draw_head, map(escape, names)), lines)


_OVERVIEWS = {"grid": _draw_grid, "sweep": _draw_curves}
"""What shows an experiment as a whole; the others are seen in their pictures."""
