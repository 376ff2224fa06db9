"""Measured pictures as panes of the viewer and as lines of a table."""

import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.quality.metric import Metric
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import OURS, Measured
from difficmh_core.ui.runtime.served_files import address_of
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.markup import Pane
from difficmh_core.ui.viewer.measures import MEASURES, best_of, facts_of
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.overlays import draw_agreement


def pane_of(service: CodecService, measured: Measured, best: Mapping[str, float]) -> Pane:
    """Show a decoded picture with its numbers and boxes."""
    row = measured.row
    facts = facts_of(row.n_bytes, row.bpp, row.values, best if row.fits else {})
    notes = [] if row.fits else [texts.LARGER.format(target=row.target_bytes)]
    if measured.boxes is not None:
        notes.append(_count(measured.boxes))
    path = service.save(measured.png, f"{Path(row.picture).stem}-{measured.key}.png")
    return Pane(
        key=measured.key,
        label=label_of(measured),
        source=address_of(path),
        facts=facts,
        overlay=_overlay(service, measured),
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
    keys = [key for key in MEASURES if any(key in item.row.values for item in measured)]
    heads = "".join(_head(MEASURES[key]) for key in keys)
    lines = "".join(_line(item, keys, best if item.row.fits else {}) for item in measured)
    return (
        f'<div class="numbers" tabindex="0" role="region" aria-label="{texts.TABLE}">'
        f'<table><thead><tr><th scope="col">{texts.CODEC}</th>'
        f'<th scope="col" title="{viewer_texts.BYTES_HELP}">{viewer_texts.BYTES}</th>'
        f'<th scope="col" title="{viewer_texts.BPP_HELP}">{viewer_texts.BPP}</th>'
        f"{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _head(measure: Metric) -> str:
    sign, words = viewer_texts.ARROWS[measure.is_higher_better]
    unit = f" [{measure.unit}]" if measure.unit else ""
    return (
        f'<th scope="col" title="{escape(viewer_texts.HELP[measure.key])}">{measure.short}{unit} '
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


def _overlay(service: CodecService, measured: Measured) -> str | None:
    if measured.boxes is None:
        return None
    with Image.open(io.BytesIO(measured.png)) as picture:
        size = picture.size
    return _saved_overlay(service, measured.boxes, size)


def _saved_overlay(service: CodecService, boxes: BoxAgreement, size: tuple[int, int]) -> str:
    """Save a transparent picture of the boxes of (width, height), and name its address."""
    drawn = draw_agreement(Image.new("RGBA", size), boxes)
    return address_of(service.save(png_of(drawn), "boxes.png"))


def _count(boxes: BoxAgreement) -> str:
    return texts.BOXES.format(
        matched=len(boxes.matched),
        missed=len(boxes.missed),
        hallucinated=len(boxes.hallucinated),
    )
