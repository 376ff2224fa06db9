"""Boxes of a detector as a drawing over a picture, small enough to stand in the markup."""

from html import escape

from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.overlays import HALLUCINATED, MATCHED, MISSED, BoxStyle

_LINES_PER_SIDE = 200
_FONT_PER_SIDE = 30


def draw_boxes(agreement: BoxAgreement, size_px: tuple[int, int]) -> str:
    """Draw the boxes of a picture of (height, width) as an SVG.

    Args:
        agreement: Its boxes, against the original's.
        size_px: Of the picture.
    """
    height, width = size_px
    side = max(size_px)
    drawn = "".join(
        _draw_box(box, style, side)
        for style, boxes in (
            (MISSED, agreement.missed),
            (HALLUCINATED, agreement.hallucinated),
            (MATCHED, tuple(pair[1] for pair in agreement.matched)),
        )
        for box in boxes
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif">{drawn}</svg>'
    )


def _draw_box(box: Detection, style: BoxStyle, side: int) -> str:
    left, top, right, bottom = (round(float(edge), 1) for edge in box.box_xyxy_px)
    line, font = side / _LINES_PER_SIDE, side / _FONT_PER_SIDE
    dash = f' stroke-dasharray="{style.dash * line:.1f}"' if style.dash else ""
    label = escape(f"{box.label} {box.score:.0%}")
    above = top - 0.3 * font if top > 1.3 * font else top + font
    return (
        f'<rect x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
        f'fill="none" stroke="{style.color}" stroke-width="{line:.1f}"{dash}/>'
        f'<text x="{left + line:.1f}" y="{above:.1f}" font-size="{font:.1f}" fill="#fff" '
        f'stroke="#000" stroke-width="{font / 6:.1f}" paint-order="stroke">{label}</text>'
    )
