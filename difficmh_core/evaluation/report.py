"""What a comparison or an experiment gave: a table; and a sheet of pictures."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from PIL import Image, ImageDraw, ImageFont

from difficmh_core.evaluation.comparison import CodecResult, Row
from difficmh_core.evaluation.experiments import ExperimentResult
from difficmh_core.evaluation.metrics import METRICS, metric_of
from difficmh_core.quality.metric import Metric
from difficmh_core.vision.overlays import (
    STYLES,
    TEXT_STYLES,
    BoxStyle,
    draw_agreement,
    draw_text,
)
from difficmh_core.vision.task_metrics import BOX_COUNTS, TEXT_COUNTS

_COUNTED = {
    "boxes +/-/!": (BOX_COUNTS, "matched/missed/hallucinated"),
    "letters +/~/!": (TEXT_COUNTS, "kept/changed/invented"),
}
"""Columns of a table that hold several counts: their keys, and what they are."""
_CAPTION_PX = 40
_GAP_PX = 6


class Marks(StrEnum):
    """What is drawn on the pictures of a sheet."""

    OBJECTS = "objects"
    """The detector's boxes."""
    TEXT = "text"
    """The lines of text."""


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text, one line each; failures say why."""
    shown = _columns([row.values for row in rows])
    counted = {
        heading: (keys, words)
        for heading, (keys, words) in _COUNTED.items()
        if any(keys[0] in row.values for row in rows)
    }
    headings = [*(metric.heading for metric in shown), *counted]
    lines = [["codec", "bytes", "bpp", *headings, "enc. s", "dec. s"]]
    notes = [f"{heading}: {words}" for heading, (_, words) in counted.items()]
    if any(TEXT_COUNTS[0] in row.values and "text_kept" not in row.values for row in rows):
        notes.append("No text is found in the original.")
    for row in rows:
        if row.error is not None:
            lines.append([row.name, "-"])
            notes.append(f"{row.name}: {row.error}")
            continue
        if not row.fits:
            notes.append(f"{row.name}: * is its smallest, above {row.target_bytes:,} bytes.")
        values = [m.text(row.values[m.key]) if m.key in row.values else "-" for m in shown]
        for keys, _ in counted.values():
            counts = map(row.values.get, keys)
            values.append("/".join("-" if n is None else str(round(n)) for n in counts))
        size = f"{row.n_bytes}{'' if row.fits else '*'}"
        times = [f"{row.encode_s:.2f}", f"{row.decode_s:.2f}"]
        lines.append([row.name, size, f"{row.bpp:.4f}", *values, *times])
    return "\n".join([*_aligned(lines), *dict.fromkeys(notes)])


def study_table(results: Sequence[ExperimentResult]) -> str:
    """Return what variants of one photo gave as aligned text, one line each."""
    shown = _columns([result.values for result in results])
    lines = [["variant", "bytes", "bpp", *(metric.heading for metric in shown), "dec. s"]]
    for result in results:
        values = [m.text(result.values[m.key]) if m.key in result.values else "-" for m in shown]
        size = [str(result.n_bytes), f"{result.bpp:.4f}"]
        lines.append([result.variant.label, *size, *values, f"{result.seconds:.2f}"])
    return "\n".join(_aligned(lines))


def _columns(values: Iterable[Mapping[str, float]]) -> list[Metric]:
    """The metrics that have a column: those with a short name lead, as the registry has them."""
    measured = map(metric_of, dict.fromkeys(key for each in values for key in each))
    places = {key: place for place, (key, metric) in enumerate(METRICS.items()) if metric.short}
    return sorted(
        (metric for metric in measured if metric.has_column),
        key=lambda metric: places.get(metric.key, len(places)),
    )


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(lines[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        )
        for line in lines
    ]


def contact_sheet(
    original: Image.Image,
    results: Sequence[CodecResult],
    *,
    side_px: int = 384,
    marks: Marks | None = None,
) -> Image.Image:
    """Return the original and every decoded picture, one line for each target, with captions.

    Args:
        original: RGB picture.
        results: Of this picture, by target.
        side_px: Longer side of each picture on the sheet [px].
        marks: What to draw on the pictures.
    """
    targets = list(dict.fromkeys(result.row.target_bytes for result in results))
    lines = [[r for r in results if r.row.target_bytes == target] for target in targets]
    n_columns = 1 + max(len(line) for line in lines)
    small = _shrunk(_marked_original(original, results, marks), side_px)
    step = small.width + _GAP_PX, small.height + _CAPTION_PX + _GAP_PX
    sheet = Image.new("RGB", (n_columns * step[0], len(lines) * step[1]), "white")
    for row, line in enumerate(lines):
        limit = f"original\nat most {targets[row]:,} bytes"
        _paste(sheet, small, limit, (0, row * step[1]))
        for column, result in enumerate(line, start=1):
            place = column * step[0], row * step[1]
            shown = Image.new("RGB", small.size, "#dddddd")
            if result.picture is not None:
                shown = _shrunk(_marked(result.picture, result, marks), side_px)
            _paste(sheet, shown, _caption(result, marks), place)
    return sheet


def _marked_original(
    original: Image.Image, results: Sequence[CodecResult], marks: Marks | None
) -> Image.Image:
    """Draw what is found in the original, which every result knows."""
    for result in results:
        if marks is Marks.OBJECTS and result.boxes is not None:
            return draw_agreement(original, result.boxes.of_original)
        if marks is Marks.TEXT and result.text is not None:
            return draw_text(original, result.text.of_original)
    return original


def _marked(picture: Image.Image, result: CodecResult, marks: Marks | None) -> Image.Image:
    if marks is Marks.OBJECTS and result.boxes is not None:
        return draw_agreement(picture, result.boxes)
    if marks is Marks.TEXT and result.text is not None:
        return draw_text(picture, result.text)
    return picture


def _caption(result: CodecResult, marks: Marks | None) -> str:
    row = result.row
    if row.error is not None:
        return f"{row.name}\nno image"
    if marks is Marks.OBJECTS and result.boxes is not None:
        counts = zip(result.boxes.counts, STYLES, strict=True)
        return f"{row.name}\n{_counted(counts)}"
    if marks is Marks.TEXT and result.text is not None:
        counts = zip(result.text.counts, TEXT_STYLES, strict=True)
        words = f"letters: {_counted(counts)}" if result.text.places else "no text found"
        return f"{row.name}\n{words}"
    size = f"{row.n_bytes:,} bytes" + ("" if row.fits else ", its smallest")
    lpips = row.values.get("lpips_alex")
    return f"{row.name}\n{size}" + (f", LPIPS {lpips:.3f}" if lpips is not None else "")


def _counted(counts: Iterable[tuple[int, BoxStyle]]) -> str:
    return ", ".join(f"{n} {style.name}" for n, style in counts)


def _shrunk(image: Image.Image, side_px: int) -> Image.Image:
    scale = min(1.0, side_px / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _paste(sheet: Image.Image, image: Image.Image, caption: str, place: tuple[int, int]) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    draw.multiline_text((place[0] + 3, place[1] + 3), caption, fill="black", font=font, spacing=3)
    sheet.paste(image, (place[0], place[1] + _CAPTION_PX))
