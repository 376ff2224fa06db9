"""Events of the study tab: experiments on one photograph, their table and report."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from difficmh_core.config.presets import preset_of
from difficmh_core.ui.compare import texts as measures
from difficmh_core.ui.compare.results import (
    MEASURES,
    address_of,
    best_of,
    facts_of,
    original_pane,
)
from difficmh_core.ui.components import html
from difficmh_core.ui.components.progress import draw_part
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu
from difficmh_core.ui.runtime.requests import whole_number
from difficmh_core.ui.runtime.service import CodecService, Decoding, png_of
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.study import texts
from difficmh_core.ui.study.experiments import (
    Finished,
    StudyWish,
    Subject,
    Trial,
    plan,
    run_trial,
    uncertainty,
)
from difficmh_core.ui.study.layout import StudyTab
from difficmh_core.ui.study.plots import draw_curves
from difficmh_core.ui.study.report import draw_card, report_of
from difficmh_core.ui.viewer.markup import Fact, Pane, viewer_markup

__all__ = ["Study", "StudyHandlers"]

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

    def of(self, subject: Subject) -> "Study":
        """Begin anew if it was another photograph."""
        digest = subject.photo.digest
        return self if self.digest == digest else Study(digest=digest)


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
        """Take the components of the tab, and what all visitors share."""
        self._tab, self._service, self._uploads = tab, service, uploads
        self._session, self._study = session, study
        self._codec = service.codec
        self._measure = with_gpu(self._measure_now, MAX_S)

    def explain(self, values: Values) -> Updates:
        """Say what a question does, and show what can be set for it."""
        question = values[self._tab.question]
        options = self._tab.options.items()
        return {self._tab.explanation: html.draw_lead(texts.EXPLANATIONS[question])} | {
            option: gr.update(visible=question in questions) for option, questions in options
        }

    @with_errors
    def run(self, values: Values) -> Iterator[Updates]:
        """Run an experiment, and show every picture as soon as it is there."""
        tab, subject = self._tab, self._subject(values[self._session])
        request = self._request(values)
        trials = plan(subject, request, has_rates=self._codec.config.rate is None)
        study = values[self._study].of(subject)
        finished = list[Finished]()
        with closing(self._measure(subject, trials)) as states:
            for state in states:
                number = len(finished) + 1
                place = {"index": number, "total": len(trials), "label": trials[number - 1].label}
                if isinstance(state, Finished):
                    finished.append(state)
                    study = replace(study, rows=(*study.rows, state.row()))
                    words = texts.MEASURING.format(**place)
                    progress = draw_part(number, len(trials), words)
                    yield tab.buttons.at_work(progress) | self._show(
                        subject, trials, finished, study
                    )
                    continue
                part = number - 1 + state.index / max(state.total, 1)
                words = texts.WORKING.format(**place, step=state.index, steps=state.total)
                yield tab.buttons.at_work(draw_part(part, len(trials), words))
        done = html.draw_message(texts.DONE.format(n=len(finished)))
        yield tab.buttons.at_work(done) | self._show(subject, trials, finished, study)

    @with_errors
    def report(self, values: Values) -> Iterator[Updates]:
        """Make the report card of the visitor's file."""
        subject = self._subject(values[self._session])
        trial = Trial(
            experiment="report",
            key="report",
            label=texts.CARD_DECODED,
            quality=subject.quality,
            tags=subject.encoded.tags,
            settings=subject.settings,
        )
        *_, finished = self._measure(subject, [trial])
        rows = values[self._study].of(subject).rows
        report = report_of(self._codec, subject, finished, rows)
        name = subject.photo.name
        card = png_of(draw_card(report, subject, finished))
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
        self, subject: Subject, trials: Sequence[Trial]
    ) -> Iterator[Decoding | Finished]:
        for trial in trials:
            yield from run_trial(self._service, subject, trial)

    def _subject(self, session: Session) -> Subject:
        if session.photo is None or session.encoded is None:
            raise shown_error(texts.NO_PHOTO)
        return Subject(
            photo=session.photo,
            image=self._uploads.load(session.photo),
            encoded=session.encoded,
            settings=session.settings or preset_of(self._codec.config.profile),
        )

    def _request(self, values: Values) -> StudyWish:
        """Gather what a visitor wants to know.

        Raises:
            ConfigError: If the number of seeds is no whole number.
        """
        tab = self._tab
        return StudyWish(
            experiment=values[tab.question],
            guidances=tuple(sorted(map(float, values[tab.guidances]))),
            steps=tuple(sorted(map(int, values[tab.steps]))),
            n_seeds=max(2, min(16, whole_number("n_seeds", values[tab.n_seeds]))),
            qualities=tuple(sorted(map(float, values[tab.qualities]))),
        )

    def _show(
        self,
        subject: Subject,
        trials: Sequence[Trial],
        finished: Sequence[Finished],
        study: Study,
    ) -> Updates:
        """Show the overview, the pictures, the table and the CSV file."""
        tab, experiment = self._tab, trials[0].experiment
        best = best_of([item.values for item in finished])
        panes = [self._pane(subject, item, best) for item in finished]
        overview = ""
        if experiment == "grid":
            overview = _draw_grid(trials, finished, panes, best)
        elif experiment == "sweep":
            overview = draw_curves([(item.bpp, item.values) for item in finished])
        elif experiment == "seeds" and len(finished) > 1:
            panes = [*self._seed_panes(subject, finished), *panes]
        size = subject.image.height, subject.image.width
        viewer = viewer_markup(
            [original_pane(subject.photo.path), *panes],
            size=size,
            viewer_id=f"{VIEWER_ID}-{experiment}",
        )
        path = self._service.save(_csv_of(study.rows), f"{subject.photo.name}-study.csv")
        return {
            self._study: study,
            tab.overview: overview,
            tab.viewer: viewer,
            tab.table: _draw_rows(study.rows),
            tab.csv_file: gr.update(value=path, visible=True),
        }

    def _pane(self, subject: Subject, item: Finished, best: Mapping[str, float]) -> Pane:
        path = self._service.save(item.png, f"{subject.photo.name}-{item.trial.key}.png")
        size = (
            Fact(name=measures.BYTES, value=f"{item.n_bytes:,}", help=measures.BYTES_HELP),
            Fact(name=measures.BPP, value=f"{item.bpp:.4f}", help=measures.BPP_HELP),
        )
        facts = (*size, *facts_of(item.values, best))
        label = item.trial.label
        return Pane(key=item.trial.key, label=label, source=address_of(path), facts=facts)

    def _seed_panes(self, subject: Subject, finished: Sequence[Finished]) -> list[Pane]:
        mean, spread, peak = uncertainty([item.image for item in finished])
        words = {
            "mean": (mean, texts.MEAN.format(n=len(finished)), texts.MEAN_NOTE),
            "spread": (spread, texts.UNCERTAINTY, texts.UNCERTAINTY_NOTE.format(peak=peak)),
        }
        return [
            Pane(
                key=key,
                label=label,
                source=address_of(
                    self._service.save(png_of(image), f"{subject.photo.name}-{key}.png")
                ),
                note=note,
            )
            for key, (image, label, note) in words.items()
        ]


def _draw_grid(
    trials: Sequence[Trial],
    finished: Sequence[Finished],
    panes: Sequence[Pane],
    best: Mapping[str, float],
) -> str:
    """Draw guidance x steps as a table of pictures; what is still to come is empty."""
    guidances = sorted({trial.settings.guidance_scale for trial in trials})
    steps = sorted({trial.settings.steps for trial in trials})
    found = {
        (item.trial.settings.steps, item.trial.settings.guidance_scale): (item, pane)
        for item, pane in zip(finished, panes, strict=True)
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


def _draw_cell(found: tuple[Finished, Pane] | None, best: Mapping[str, float]) -> str:
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
    """Draw everything that has been measured, the newest first."""
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
