"""What a comparison gave: a table, and a sheet of pictures."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from difficmh_core.evaluation.comparison import Outcome, Row
from difficmh_core.evaluation.statistics import is_higher_better
from difficmh_core.quality.metrics import metric_of
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.overlays import STYLES, draw_agreement
from difficmh_core.vision.tasks import MEASURES

__all__ = ["contact_sheet", "label_of", "table"]

_COLUMNS = {
    "psnr_db": "PSNR ↑",
    "ms_ssim": "MS-SSIM ↑",
    "lpips_alex": "LPIPS ↓",
    "lpips_vgg": "(VGG) ↓",
    "dists": "DISTS ↓",
    "top1": "class ↑",
    "js_bits": "JS ↓",
    "tags_iou": "tags ↑",
}
"""Short headings; other measures go by their full names."""
_APART = ("boxes_", "box_f1", "features_", "top5")
"""How the keys begin that have a column together, or are left to files and plots."""
_BOXES = "boxes +/-/!"
_BOX_KINDS = ("matched", "missed", "hallucinated")
_CAPTION_PX = 40
_GAP_PX = 6


def label_of(key: str) -> str:
    """Return a measure's name, its unit, and an arrow to where it is better."""
    arrow = "↑" if is_higher_better(key) else "↓"
    for named in (MEASURES, SET_METRICS):
        if key in named:
            return f"{named[key].name} {arrow}"
    metric = metric_of(key)
    return f"{metric.name}{f' [{metric.unit}]' if metric.unit else ''} {arrow}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text, one line each; failures say why."""
    measured = dict.fromkeys(key for row in rows for key in row.values)
    keys = [key for key in _COLUMNS if key in measured]
    keys += [key for key in measured if key not in _COLUMNS and not key.startswith(_APART)]
    has_boxes = any("boxes_matched" in row.values for row in rows)
    headings = [
        *(_COLUMNS.get(key) or label_of(key) for key in keys),
        *([_BOXES] if has_boxes else []),
    ]
    lines = [["codec", "bytes", "bpp", *headings, "enc. s", "dec. s"]]
    notes = [f"{_BOXES}: matched/missed/hallucinated"] if has_boxes else []
    for row in rows:
        if row.error is not None:
            lines.append([row.name, "-"])
            notes.append(f"{row.name}: {row.error}")
            continue
        if not row.fits:
            notes.append(f"{row.name}: * is its smallest, above {row.target_bytes:,} bytes.")
        values = [f"{row.values[key]:.3f}" if key in row.values else "-" for key in keys]
        if has_boxes:
            counts = (row.values.get(f"boxes_{kind}") for kind in _BOX_KINDS)
            values.append("/".join("-" if n is None else str(round(n)) for n in counts))
        size = f"{row.n_bytes}{'' if row.fits else '*'}"
        times = [f"{row.encode_s:.2f}", f"{row.decode_s:.2f}"]
        lines.append([row.name, size, f"{row.bpp:.4f}", *values, *times])
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(lines[0]))]
    text = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        )
        for line in lines
    ]
    return "\n".join([*text, *dict.fromkeys(notes)])


def contact_sheet(
    original: Image.Image, outcomes: Sequence[Outcome], *, side_px: int = 384, boxes: bool = False
) -> Image.Image:
    """Return the original and every decoded picture, one line for each target, with captions.

    Args:
        original: RGB picture.
        outcomes: Of this picture, by target.
        side_px: Longer side of each picture on the sheet [px].
        boxes: Whether to draw the detector's boxes.
    """
    targets = list(dict.fromkeys(outcome.row.target_bytes for outcome in outcomes))
    lines = [[o for o in outcomes if o.row.target_bytes == target] for target in targets]
    n_columns = 1 + max(len(line) for line in lines)
    small = _shrunk(original, side_px)
    step = small.width + _GAP_PX, small.height + _CAPTION_PX + _GAP_PX
    sheet = Image.new("RGB", (n_columns * step[0], len(lines) * step[1]), "white")
    marked = next((o.boxes for o in outcomes if boxes and o.boxes is not None), None)
    if marked is not None:  # every outcome knows the original's boxes
        theirs = (*(pair[0] for pair in marked.matched), *marked.missed)
        own = BoxAgreement(matched=tuple((b, b) for b in theirs), missed=(), hallucinated=())
        small = _shrunk(draw_agreement(original, own), side_px)
    for row, line in enumerate(lines):
        limit = f"original\nat most {targets[row]:,} bytes"
        _paste(sheet, small, limit, (0, row * step[1]))
        for column, outcome in enumerate(line, start=1):
            picture = outcome.picture
            if picture is not None and boxes and outcome.boxes is not None:
                picture = draw_agreement(picture, outcome.boxes)
            place = column * step[0], row * step[1]
            shown = Image.new("RGB", small.size, "#dddddd")
            if picture is not None:
                shown = _shrunk(picture, side_px)
            _paste(sheet, shown, _caption(outcome, boxes), place)
    return sheet


def _caption(outcome: Outcome, boxes: bool) -> str:
    row = outcome.row
    if row.error is not None:
        return f"{row.name}\nno picture"
    size = f"{row.n_bytes:,} bytes" + ("" if row.fits else ", its smallest")
    if boxes and outcome.boxes is not None:
        pairs = outcome.boxes
        counts = len(pairs.matched), len(pairs.missed), len(pairs.hallucinated)
        words = (f"{n} {style.name}" for n, style in zip(counts, STYLES, strict=True))
        return f"{row.name}\n{', '.join(words)}"
    lpips = row.values.get("lpips_alex")
    return f"{row.name}\n{size}" + (f", LPIPS {lpips:.3f}" if lpips is not None else "")


def _shrunk(image: Image.Image, side_px: int) -> Image.Image:
    scale = min(1.0, side_px / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _paste(sheet: Image.Image, image: Image.Image, caption: str, place: tuple[int, int]) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    draw.multiline_text((place[0] + 3, place[1] + 3), caption, fill="black", font=font, spacing=3)
    sheet.paste(image, (place[0], place[1] + _CAPTION_PX))
