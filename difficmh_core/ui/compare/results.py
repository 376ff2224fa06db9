"""Measured pictures as figures of the viewer and as lines of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.quality.metric import Metric
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import OURS, Measured
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.service import CodecService, png_of
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
    facts = facts_of(row.n_bytes, row.bpp, row.values, best if row.fits else {})
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


def draw_table(measured: Sequence[Measured]) -> str:
    """Draw every file in numbers; what failed or is absent says why."""
    best = best_of([item.row.values for item in measured if item.row.fits])
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
    lines = (_line(item, shown, best if item.row.fits else {}) for item in measured)
    return html.draw_table(texts.TABLE, heads, lines)


def _head(measure: Metric) -> str:
    sign, words = viewer_texts.ARROWS[measure.is_higher_better]
    unit = f" [{measure.unit}]" if measure.unit else ""
    return html.draw_head(
        f'{measure.short}{unit} <span role="img" aria-label="({words})">{sign}</span>',
        _HELP[measure.key],
    )


def _line(measured: Measured, shown: Mapping[str, Metric], best: Mapping[str, float]) -> str:
    row, name = measured.row, label_of(measured)
    if row.error is not None:
        return (
            f'<tr class="absent"><th scope="row">{escape(name)}</th>'
            f'<td colspan="{2 + len(shown)}">{escape(row.error)}</td></tr>'
        )
    cells = (
        f"<td{' class=best' if best.get(key) == row.values.get(key) else ''}>"
        f"{metric.text(row.values[key])}</td>"
        if key in row.values
        else "<td></td>"
        for key, metric in shown.items()
    )
    larger = "" if row.fits else f' title="{texts.LARGER.format(target=row.target_bytes)}"'
    mark = "" if row.fits else " *"
    sizes = (f"<td{larger}>{row.n_bytes:,}{mark}</td>", f"<td>{row.bpp:.4f}</td>")
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
            share=text.kept, n=text.n_letters, changed=changed, invented=invented
        )
    return texts.LETTERS_INVENTED.format(n=invented) if invented else ""
