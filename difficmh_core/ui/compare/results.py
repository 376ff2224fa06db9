"""Measured pictures as figures of the viewer and as lines of a table."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.quality.metric import Metric
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import OURS, Measured
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.markup import Figure
from difficmh_core.ui.viewer.metrics import METRICS, best_of, facts_of
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.overlays import draw_agreement


def figure_of(
    service: CodecService, measured: Measured, best: Mapping[str, float], size: tuple[int, int]
) -> Figure:
    """Show a decoded picture of (width, height) with its numbers and boxes."""
    row = measured.row
    facts = facts_of(row.n_bytes, row.bpp, row.values, best if row.fits else {})
    notes = [] if row.fits else [texts.LARGER.format(target=row.target_bytes)]
    boxes = measured.boxes
    if boxes is not None:
        counts = len(boxes.matched), len(boxes.missed), len(boxes.hallucinated)
        notes.append(texts.BOXES.format(*counts))
    return Figure(
        key=measured.key,
        label=label_of(measured),
        source=service.address_of(measured.png, f"{Path(row.picture).stem}-{measured.key}.png"),
        facts=facts,
        overlay=None if boxes is None else _saved_overlay(service, boxes, size),
        note=" ".join(notes),
    )


def original_overlay(
    service: CodecService, measured: Measured, size: tuple[int, int]
) -> str | None:
    """Draw the boxes of the original, which every measured picture knows."""
    if measured.boxes is None:
        return None
    return _saved_overlay(service, measured.boxes.of_original, size)


def label_of(measured: Measured) -> str:
    """Name a codec: ours by what is turned off, others by their encoder."""
    name = texts.CODECS[measured.key]
    return name if measured.key in OURS or measured.row.error is not None else measured.row.name


def draw_table(measured: Sequence[Measured]) -> str:
    """Draw every file in numbers; what failed or is absent says why."""
    best = best_of([item.row.values for item in measured if item.row.fits])
    keys = [key for key in METRICS if any(key in item.row.values for item in measured)]
    heads = (
        html.draw_head(texts.CODEC),
        html.draw_head(viewer_texts.BYTES, viewer_texts.BYTES_HELP),
        html.draw_head(viewer_texts.BPP, viewer_texts.BPP_HELP),
        *(_head(METRICS[key]) for key in keys),
    )
    lines = (_line(item, keys, best if item.row.fits else {}) for item in measured)
    return html.draw_table(texts.TABLE, heads, lines)


def _head(measure: Metric) -> str:
    sign, words = viewer_texts.ARROWS[measure.is_higher_better]
    unit = f" [{measure.unit}]" if measure.unit else ""
    return html.draw_head(
        f'{measure.short}{unit} <span role="img" aria-label="({words})">{sign}</span>',
        viewer_texts.HELP[measure.key],
    )


def _line(measured: Measured, keys: Sequence[str], best: Mapping[str, float]) -> str:
    row, name = measured.row, label_of(measured)
    if row.error is not None:
        return (
            f'<tr class="absent"><th scope="row">{escape(name)}</th>'
            f'<td colspan="{2 + len(keys)}">{escape(row.error)}</td></tr>'
        )
    cells = (
        f"<td{' class=best' if best.get(key) == row.values.get(key) else ''}>"
        f"{METRICS[key].text(row.values[key])}</td>"
        if key in row.values
        else "<td></td>"
        for key in keys
    )
    larger = "" if row.fits else f' title="{texts.LARGER.format(target=row.target_bytes)}"'
    mark = "" if row.fits else " *"
    sizes = (f"<td{larger}>{row.n_bytes:,}{mark}</td>", f"<td>{row.bpp:.4f}</td>")
    return html.draw_line(name, (*sizes, *cells))


def _saved_overlay(service: CodecService, boxes: BoxAgreement, size: tuple[int, int]) -> str:
    """Save a transparent picture of the boxes of (width, height), and name its address."""
    drawn = draw_agreement(Image.new("RGBA", size), boxes)
    return service.address_of(png_of(drawn), "boxes.png")
