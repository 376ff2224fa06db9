"""Measured pictures as figures of the viewer and as lines of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.own_results import own_results_of
from difficmh_core.quality.metric import Metric
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import OURS, Measured
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.texts import count
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.markup import Figure
from difficmh_core.ui.viewer.metrics import METRICS, best_of, facts_of, original_figure
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.letters import TextAgreement
from difficmh_core.vision.overlays import draw_agreement, draw_text

_HELP = viewer_texts.HELP | texts.COUNTS_HELP
_COUNTS = {key: metric_of(key) for key in texts.COUNTS_HELP}
"""Columns of the table where there is text."""


def figure_of(
    service: CodecService, measured: Measured, best: Mapping[str, float], size: tuple[int, int]
) -> Figure:
    """Show a decoded picture of (width, height) with its numbers and boxes."""
    row = measured.row
    facts = facts_of(row.n_bytes, row.bpp, row.values, best if _competes(measured) else {})
    notes = [] if row.fits else [texts.LARGER.format(target=row.target_bytes)]
    boxes, text = measured.boxes, measured.text
    if boxes is not None:
        notes.append(texts.BOXES.format(*boxes.counts))
    if text is not None:
        notes.append(_letters(text))
    return Figure(
        key=measured.key,
        label=label_of(measured),
        source=service.address_of(measured.png, f"{Path(row.picture).stem}-{measured.key}.png"),
        facts=facts,
        overlay=None if boxes is None else _saved_overlay(service, boxes, size),
        text_overlay=_saved_text(service, text, size),
        note=" ".join(filter(None, notes)),
    )


def original_of(
    service: CodecService, path: str, measured: Sequence[Measured], size: tuple[int, int]
) -> Figure:
    """Show the original of (width, height) with its boxes, which every measured picture knows."""
    first = next((item for item in measured if item.png), None)
    boxes = None if first is None or first.boxes is None else first.boxes.of_original
    text = None if first is None or first.text is None else first.text.of_original
    return replace(
        original_figure(path),
        overlay=None if boxes is None else _saved_overlay(service, boxes, size),
        text_overlay=_saved_text(service, text, size),
        note=texts.NO_TEXT if text is not None and not text.places else "",
    )


def label_of(measured: Measured) -> str:
    """Name a codec: ours by what is turned off, others by their encoder."""
    name = texts.CODECS[measured.key]
    return name if measured.key in OURS or measured.row.error is not None else measured.row.name


def best_of_codecs(measured: Sequence[Measured]) -> dict[str, float]:
    """Find the best value of each measure among files that fit; ablations do not compete."""
    return best_of([item.row.values for item in measured if _competes(item)])


def draw_table(measured: Sequence[Measured], profile: str) -> str:
    """Draw every file in numbers, ablations apart; what failed or is absent says why.

    Args:
        measured: The files.
        profile: Of our networks.
    """
    best = best_of_codecs(measured)
    shown = dict(METRICS)
    if any(item.text is not None and item.text.places for item in measured):
        shown |= _COUNTS
    shown = {
        key: metric
        for key, metric in shown.items()
        if any(key in item.row.values for item in measured)
    }
    heads = (
        html.draw_head(texts.CODEC),
        html.draw_head(viewer_texts.BYTES, viewer_texts.BYTES_HELP),
        html.draw_head(viewer_texts.BPP, viewer_texts.BPP_HELP),
        *map(_head, shown.values()),
    )
    groups = [
        [
            _line(item, shown, best if _competes(item) else {})
            for item in measured
            if (item.key in texts.ABLATIONS) == is_apart
        ]
        for is_apart in (False, True)
    ]
    lines = groups[0]
    if groups[1]:
        lines += [html.draw_subhead(texts.WHICH_ABLATIONS, 3 + len(shown)), *groups[1]]
    notes = [
        texts.MARK_HELP.format(target=item.row.target_bytes)
        for item in measured
        if item.row.error is None and not item.row.fits
    ][:1]
    return html.draw_table(texts.TABLE, heads, lines) + "".join(
        map(html.draw_lead, [*notes, *why_ablations_win(measured, profile)])
    )


def why_ablations_win(measured: Sequence[Measured], profile: str) -> list[str]:
    """Say of each ablation that is ahead of the whole codec how that comes."""
    lpips = {
        item.key: item.row.values["lpips_alex"]
        for item in measured
        if "lpips_alex" in item.row.values
    }
    bpp = {item.key: item.row.bpp for item in measured}
    return [
        texts.WINS.format(
            part=texts.WITHOUT[key],
            without=lpips[key],
            with_it=lpips["ours"],
            reason=_reason(key, profile, bpp[key]),
        )
        for key in texts.ABLATIONS
        if key in lpips and "ours" in lpips and _rounded(lpips[key]) < _rounded(lpips["ours"])
    ]


def _rounded(lpips: float) -> str:
    return METRICS["lpips_alex"].text(lpips)


def _reason(key: str, profile: str, bpp: float) -> str:
    results = own_results_of(profile)
    if results is None or key not in texts.MEASURED_REASONS:
        return texts.REASONS[key]
    at_bpp, mean_with, mean_without = results.without_diffusion(bpp)
    return texts.MEASURED_REASONS[key].format(
        n=results.n_photos, bpp=at_bpp, mean_with=mean_with, mean_without=mean_without
    )


def _competes(measured: Measured) -> bool:
    """Tell whether a file may be called the best: it fits, and is no ablation."""
    return measured.row.fits and measured.key not in texts.ABLATIONS


def _head(measure: Metric) -> str:
    sign, words = viewer_texts.ARROWS[measure.is_higher_better]
    return html.draw_head(
        f'{_named(measure)} <span role="img" aria-label="({words})">{sign}</span>',
        _HELP[measure.key],
    )


def _named(measure: Metric) -> str:
    return f"{measure.short}{f' [{measure.unit}]' if measure.unit else ''}"


def _line(measured: Measured, shown: Mapping[str, Metric], best: Mapping[str, float]) -> str:
    row, name = measured.row, label_of(measured)
    if row.error is not None:
        return (
            f'<tr class="absent" role="row"><th scope="row" role="rowheader">{escape(name)}</th>'
            f'<td role="cell" colspan="{2 + len(shown)}">{escape(row.error)}</td></tr>'
        )
    cells = (
        html.draw_cell(
            metric.text(row.values[key]),
            f"{_named(metric)} {metric.arrow}",
            look="best" if best.get(key) == row.values[key] else "",
        )
        if key in row.values
        else html.draw_cell("")
        for key, metric in shown.items()
    )
    mark = "" if row.fits else f" {texts.MARK}"
    sizes = (
        html.draw_cell(f"{row.n_bytes:,}{mark}", viewer_texts.BYTES),
        html.draw_cell(f"{row.bpp:.4f}", viewer_texts.BPP),
    )
    return html.draw_line(name, (*sizes, *cells))


def _saved_overlay(service: CodecService, boxes: BoxAgreement, size: tuple[int, int]) -> str:
    """Save a transparent picture of the boxes of (width, height), and name its address."""
    drawn = draw_agreement(Image.new("RGBA", size), boxes)
    return service.address_of(png_of(drawn), "boxes.png")


def _saved_text(
    service: CodecService, text: TextAgreement | None, size: tuple[int, int]
) -> str | None:
    """Save likewise what is read, if anything is."""
    if text is None or not text.places:
        return None
    return service.address_of(png_of(draw_text(Image.new("RGBA", size), text)), "text.png")


def _letters(text: TextAgreement) -> str:
    """Say what became of the letters, if there are any."""
    _, changed, invented = text.counts
    if text.kept is not None:
        return texts.LETTERS.format(
            share=text.kept,
            letters=count(text.n_letters, "letter"),
            changed=changed,
            invented=invented,
        )
    return texts.LETTERS_INVENTED.format(letters=count(invented, "letter")) if invented else ""
