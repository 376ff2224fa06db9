"""Events of the study tab: experiments on one photograph, their table and report."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from difficmh_core.config.presets import preset_of
from difficmh_core.evaluation.experiments import (
    ExperimentRequest,
    ExperimentResult,
    Variant,
    plan,
    run_variant,
    uncertainty,
)
from difficmh_core.ui.compare import texts as measures
from difficmh_core.ui.compare.results import (
    MEASURES,
    address_of,
    best_of,
    facts_of,
    original_pane,
)
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.errors import toast, with_toasts
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.runtime.session import Session, Update, whole_number
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.study import texts
from difficmh_core.ui.study.photograph import ServedCoder, StudyInput
from difficmh_core.ui.study.plots import draw_curves
from difficmh_core.ui.study.report import draw_card, report_of
from difficmh_core.ui.viewer.markup import Fact, Pane, viewer_markup

__all__ = ["Study", "StudyHandlers", "read_request"]

VIEWER_ID = "study-viewer"
Shown = tuple["Study", str, str, str, str, Update | str]
"""The study, progress, overview, viewer, table and CSV file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What has been measured on a visitor's photograph.

    Attributes:
        digest: Of the photograph.
        rows: One for each picture, the newest last.
    """

    digest: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()


def read_request(
    experiment: str,
    guidances: Sequence[float],
    steps: Sequence[int],
    n_seeds: float,
    qualities: Sequence[float],
) -> ExperimentRequest:
    """Gather what a visitor wants to know.

    Raises:
        ConfigError: If the number of seeds is no whole number.
    """
    return ExperimentRequest(
        experiment=experiment,
        guidances=tuple(sorted(map(float, guidances))),
        steps=tuple(sorted(map(int, steps))),
        n_seeds=max(2, min(16, whole_number("n_seeds", n_seeds))),
        qualities=tuple(sorted(map(float, qualities))),
    )


class StudyHandlers:
    """The events of one page."""

    def __init__(self, service: CodecService, uploads: UploadStore) -> None:
        """Take what all visitors share."""
        self._service, self._uploads = service, uploads
        self._codec = service.codec

    @with_toasts
    def run(self, session: Session, study: Study, *asked: Any) -> Iterator[Shown]:  # noqa: ANN401
        """Run an experiment, and show every picture as soon as it is there."""
        given = self._given(session)
        request = read_request(*asked)
        variants = plan(request, given, has_rates=self._codec.config.rate is None)
        if study.digest != given.photo.digest:
            study = Study(digest=given.photo.digest)
        results = list[ExperimentResult]()
        for index, variant in enumerate(variants):
            for state in run_variant(ServedCoder(self._service, given), variant):
                if isinstance(state, ExperimentResult):
                    results.append(state)
                    continue
                part = index + state.index / max(state.total, 1)
                words = texts.WORKING.format(
                    index=index + 1,
                    total=len(variants),
                    label=variant.label,
                    step=state.index,
                    steps=state.total,
                )
                progress = html.draw_part(part, len(variants), words)
                yield study, progress, gr.skip(), gr.skip(), gr.skip(), gr.skip()
            study = replace(study, rows=(*study.rows, results[-1].row()))
            words = texts.MEASURING.format(
                index=index + 1, total=len(variants), label=variant.label
            )
            progress = html.draw_part(index + 1, len(variants), words)
            yield study, progress, *self._show(given, variants, results, study)
        done = html.draw_message(texts.DONE.format(n=len(results)))
        yield study, done, *self._show(given, variants, results, study)

    @with_toasts
    def report(self, session: Session, study: Study) -> Iterator[tuple[Update, Update, Update]]:
        """Make the report card of the visitor's file."""
        given = self._given(session)
        variant = Variant(
            experiment="report",
            key="report",
            label=texts.CARD_DECODED,
            quality=given.quality,
            tags=given.encoded.tags,
            settings=given.settings,
        )
        for state in run_variant(ServedCoder(self._service, given), variant):
            if isinstance(state, ExperimentResult):
                rows = study.rows if study.digest == given.photo.digest else ()
                report = report_of(self._codec, given, state, rows)
                card = png_of(draw_card(report, given, state))
                name = given.photo.name
                image = self._service.save(card, f"{name}-report.png")
                data = json.dumps(report, indent=1, ensure_ascii=False).encode()
                file = self._service.save(data, f"{name}-report.json")
                yield (
                    gr.update(value=image, visible=True),
                    gr.update(value=image, visible=True),
                    gr.update(value=file, visible=True),
                )

    def _given(self, session: Session) -> StudyInput:
        if session.photo is None or session.encoded is None:
            raise toast(texts.NO_PHOTO)
        return StudyInput(
            photo=session.photo,
            image=self._uploads.load(session.photo),
            encoded=session.encoded,
            settings=session.settings or preset_of(self._codec.config.profile),
        )

    def _show(
        self,
        given: StudyInput,
        variants: Sequence[Variant],
        results: Sequence[ExperimentResult],
        study: Study,
    ) -> tuple[str, str, str, Update]:
        """Return the overview, the viewer, the table and the CSV file."""
        experiment = variants[0].experiment
        best = best_of([item.values for item in results])
        panes = [self._pane(given, item, best) for item in results]
        overview = ""
        if experiment == "grid":
            overview = _draw_grid(variants, results, panes, best)
        elif experiment == "sweep":
            overview = draw_curves([(item.bpp, item.values) for item in results])
        elif experiment == "seeds" and len(results) > 1:
            panes = [*self._seed_panes(given, results), *panes]
        size = given.image.height, given.image.width
        viewer = viewer_markup(
            [original_pane(given.photo.path), *panes],
            size=size,
            viewer_id=f"{VIEWER_ID}-{experiment}",
        )
        path = self._service.save(_csv_of(study.rows), f"{given.photo.name}-study.csv")
        return overview, viewer, _draw_rows(study.rows), gr.update(value=path, visible=True)

    def _pane(self, given: StudyInput, item: ExperimentResult, best: Mapping[str, float]) -> Pane:
        path = self._service.save(item.png, f"{given.photo.name}-{item.variant.key}.png")
        size = (
            Fact(name=measures.BYTES, value=f"{item.n_bytes:,}", help=measures.BYTES_HELP),
            Fact(name=measures.BPP, value=f"{item.bpp:.4f}", help=measures.BPP_HELP),
        )
        facts = (*size, *facts_of(item.values, best))
        label = item.variant.label
        return Pane(key=item.variant.key, label=label, source=address_of(path), facts=facts)

    def _seed_panes(self, given: StudyInput, results: Sequence[ExperimentResult]) -> list[Pane]:
        mean, spread, peak = uncertainty([item.image for item in results])
        words = {
            "mean": (mean, texts.MEAN.format(n=len(results)), texts.MEAN_NOTE),
            "spread": (spread, texts.UNCERTAINTY, texts.UNCERTAINTY_NOTE.format(peak=peak)),
        }
        return [
            Pane(
                key=key,
                label=label,
                source=address_of(
                    self._service.save(png_of(image), f"{given.photo.name}-{key}.png")
                ),
                note=note,
            )
            for key, (image, label, note) in words.items()
        ]


def _draw_grid(
    variants: Sequence[Variant],
    results: Sequence[ExperimentResult],
    panes: Sequence[Pane],
    best: Mapping[str, float],
) -> str:
    """Return guidance x steps as a table of pictures; what is still to come is empty."""
    guidances = sorted({variant.settings.guidance_scale for variant in variants})
    steps = sorted({variant.settings.steps for variant in variants})
    found = {
        (item.variant.settings.steps, item.variant.settings.guidance_scale): (item, pane)
        for item, pane in zip(results, panes, strict=True)
    }
    heads = "".join(f'<th scope="col">{guidance:g}</th>' for guidance in guidances)
    lines = "".join(
        f'<tr><th scope="row">{n}</th>'
        + "".join(_draw_cell(found.get((n, guidance)), best) for guidance in guidances)
        + "</tr>"
        for n in steps
    )
    return (
        f'<div class="grid-of-pictures" tabindex="0" role="region" aria-label="{texts.GRID}">'
        f'<table><thead><tr><th scope="col">{texts.GRID_CORNER}</th>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _draw_cell(found: tuple[ExperimentResult, Pane] | None, best: Mapping[str, float]) -> str:
    if found is None:
        return "<td></td>"
    item, pane = found
    psnr, lpips = item.values["psnr_db"], item.values.get("lpips_alex")
    more = texts.GRID_CELL_MORE.format(psnr=psnr, seconds=item.seconds)
    first = "" if lpips is None else f"<span>{texts.GRID_CELL.format(lpips=lpips)}</span>"
    is_best = lpips is not None and best.get("lpips_alex") == lpips
    return (
        f'<td{" class=best" if is_best else ""}><img src="{escape(pane.source)}" '
        f'alt="{escape(pane.label)}">{first}<span>{more}</span></td>'
    )


def _draw_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return everything that has been measured, the newest first."""
    keys = [key for key in MEASURES if any(key in row for row in rows)]
    names = [*texts.COLUMNS.values(), *(MEASURES[key].short for key in keys)]
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    lines = ""
    for row in reversed(rows):
        told = dict(row) | {
            "experiment": texts.EXPERIMENT_NAMES.get(str(row["experiment"]), ""),
            "n_bytes": f"{row['n_bytes']:,}",
            "bpp": f"{row['bpp']:.4f}",
            "seconds": f"{row['seconds']:.1f}",
        }
        told |= {key: MEASURES[key].text(row[key]) for key in keys if key in row}
        cells = "".join(
            f"<td>{escape(str(told.get(key, '')))}</td>"
            for key in [*list(texts.COLUMNS)[1:], *keys]
        )
        lines += f'<tr><th scope="row">{escape(told["experiment"])}</th>{cells}</tr>'
    return (
        f'<div class="numbers" tabindex="0" role="region" aria-label="{texts.TABLE}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _csv_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, keys, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
