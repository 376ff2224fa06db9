"""Measured pictures as panes of the viewer and as lines of a table."""

import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.evaluation.measures import measure_of
from difficmh_core.evaluation.photo_codecs import OURS
from difficmh_core.quality.measure import Measure
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.viewer.markup import Fact, Pane
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.overlays import draw_agreement

__all__ = [
    "MEASURES",
    "address_of",
    "best_of",
    "draw_table",
    "facts_of",
    "original_pane",
    "pane_of",
]

MEASURES = {key: measure_of(key) for key in texts.HELP}
"""What the page shows, in this order."""


def address_of(path: str) -> str:
    """Return the address of a file of the page's cache."""
    return f"gradio_api/file={path}"


def best_of(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Find the best value of each measure, where pictures differ in it."""
    best = dict[str, float]()
    for key, measure in MEASURES.items():
        found = [line[key] for line in values if key in line]
        if len(set(found)) > 1:
            best[key] = (max if measure.is_higher_better else min)(found)
    return best


def facts_of(values: Mapping[str, float], best: Mapping[str, float]) -> tuple[Fact, ...]:
    """List the measures of a picture as the viewer shows them."""
    return tuple(
        Fact(
            name=measure.short,
            value=measure.text(values[key]),
            unit=measure.unit,
            is_higher_better=measure.is_higher_better,
            help=texts.HELP[key],
            is_best=best.get(key) == values[key],
        )
        for key, measure in MEASURES.items()
        if key in values
    )


def pane_of(workshop: CodecService, measured: Measured, best: Mapping[str, float]) -> Pane:
    """Show a decoded picture with its numbers and boxes."""
    row = measured.row
    size = (
        Fact(name=texts.BYTES, value=f"{row.n_bytes:,}", help=texts.BYTES_HELP),
        Fact(name=texts.BPP, value=f"{row.bpp:.4f}", help=texts.BPP_HELP),
    )
    facts = facts_of(row.values, best if row.fits else {})
    notes = [] if row.fits else [texts.LARGER.format(target=row.target_bytes)]
    if measured.boxes is not None:
        notes.append(_count(measured.boxes))
    path = workshop.save(measured.png, f"{Path(row.picture).stem}-{measured.key}.png")
    return Pane(
        key=measured.key,
        label=label_of(measured),
        source=address_of(path),
        facts=(*size, *facts),
        overlay=_overlay(workshop, measured),
        note=" ".join(notes),
    )


def original_pane(path: str, overlay: str | None = None) -> Pane:
    """Show the original, which has no numbers."""
    return Pane(key="original", label=texts.ORIGINAL, source=address_of(path), overlay=overlay)


def original_overlay(
    workshop: CodecService, measured: Measured, size: tuple[int, int]
) -> str | None:
    """Draw the boxes of the original, which every measured picture knows."""
    if measured.boxes is None:
        return None
    boxes = (*(pair[0] for pair in measured.boxes.matched), *measured.boxes.missed)
    own = BoxAgreement(matched=tuple((box, box) for box in boxes), missed=(), hallucinated=())
    return _saved_overlay(workshop, own, size)


def label_of(measured: Measured) -> str:
    """Name a codec: ours by what is turned off, others by their encoder."""
    name = texts.CODECS[measured.key]
    return name if measured.key in OURS or measured.row.error is not None else measured.row.name


def draw_table(measured: Sequence[Measured]) -> str:
    """Draw every file in numbers; what failed or is absent says why."""
    best = best_of([item.row.values for item in measured if item.row.fits])
    keys = [key for key in MEASURES if any(key in item.row.values for item in measured)]
    heads = "".join(_head(MEASURES[key]) for key in keys)
    lines = "".join(_line(item, keys, best if item.row.fits else {}) for item in measured)
    return (
        f'<div class="numbers" tabindex="0" role="region" aria-label="{texts.TABLE}">'
        f'<table><thead><tr><th scope="col">{texts.CODEC}</th>'
        f'<th scope="col" title="{texts.BYTES_HELP}">{texts.BYTES}</th>'
        f'<th scope="col" title="{texts.BPP_HELP}">{texts.BPP}</th>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _head(measure: Measure) -> str:
    sign, words = texts.ARROWS[measure.is_higher_better]
    unit = f" [{measure.unit}]" if measure.unit else ""
    return (
        f'<th scope="col" title="{escape(texts.HELP[measure.key])}">{measure.short}{unit} '
        f'<span role="img" aria-label="({words})">{sign}</span></th>'
    )


def _line(measured: Measured, keys: Sequence[str], best: Mapping[str, float]) -> str:
    row, name = measured.row, escape(label_of(measured))
    if row.error is not None:
        return (
            f'<tr class="absent"><th scope="row">{name}</th>'
            f'<td colspan="{2 + len(keys)}">{escape(row.error)}</td></tr>'
        )
    cells = "".join(
        f"<td{' class=best' if best.get(key) == row.values.get(key) else ''}>"
        f"{MEASURES[key].text(row.values[key])}</td>"
        if key in row.values
        else "<td></td>"
        for key in keys
    )
    larger = "" if row.fits else f' title="{texts.LARGER.format(target=row.target_bytes)}"'
    mark = "" if row.fits else " *"
    return (
        f'<tr><th scope="row">{name}</th><td{larger}>{row.n_bytes:,}{mark}</td>'
        f"<td>{row.bpp:.4f}</td>{cells}</tr>"
    )


def _overlay(workshop: CodecService, measured: Measured) -> str | None:
    if measured.boxes is None:
        return None
    with Image.open(io.BytesIO(measured.png)) as picture:
        size = picture.size
    return _saved_overlay(workshop, measured.boxes, size)


def _saved_overlay(workshop: CodecService, boxes: BoxAgreement, size: tuple[int, int]) -> str:
    """Save a transparent picture of the boxes of (width, height), and name its address."""
    drawn = draw_agreement(Image.new("RGBA", size), boxes)
    return address_of(workshop.save(png_of(drawn), "boxes.png"))


def _count(boxes: BoxAgreement) -> str:
    return texts.BOXES.format(
        matched=len(boxes.matched),
        missed=len(boxes.missed),
        hallucinated=len(boxes.hallucinated),
    )
