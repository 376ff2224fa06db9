"""Boxes drawn on a decoded picture: matched, missed and hallucinated, for every eye.

The colors are those of Okabe and Ito, which stay apart with any color vision; the line's dashes
say the same a second time.

References:
    Okabe, Ito: Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.boxes import BoxAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStyle:
    """How one kind of box is drawn.

    Attributes:
        name: What the kind is called.
        color: Its color, as ``#rrggbb``.
        dash: Length of dashes and gaps in line widths; 0 is a full line.
    """

    name: str
    color: str
    dash: int


MATCHED = BoxStyle(name="matched", color="#009e73", dash=0)
MISSED = BoxStyle(name="missed", color="#e69f00", dash=4)
HALLUCINATED = BoxStyle(name="hallucinated", color="#d55e00", dash=1)
STYLES = (MATCHED, MISSED, HALLUCINATED)
"""All kinds, for a legend."""
_LINES_PER_SIDE = 200
_FONT_PER_SIDE = 32


def draw_agreement(decoded: Image.Image, agreement: BoxAgreement) -> Image.Image:
    """Return a copy of the decoded picture with all boxes on it.

    Args:
        decoded: RGB picture.
        agreement: Its boxes, against the original's.
    """
    drawn = decoded.copy()
    for style, boxes in (
        (MISSED, agreement.missed),
        (HALLUCINATED, agreement.hallucinated),
        (MATCHED, tuple(pair[1] for pair in agreement.matched)),
    ):
        for box in boxes:
            _draw_box(drawn, box, style)
    return drawn


def _draw_box(image: Image.Image, box: Detection, style: BoxStyle) -> None:
    draw = ImageDraw.Draw(image)
    line_px = max(2, round(max(image.size) / _LINES_PER_SIDE))
    left, top, right, bottom = box.box_xyxy_px
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for start, end in pairwise(corners):
        for dash in _dashes(start, end, style.dash * line_px):
            draw.line(dash, fill=style.color, width=line_px)
    _draw_label(draw, image.size, box, style)


def _dashes(
    start: tuple[float, float], end: tuple[float, float], dash_px: int
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    if not dash_px or length <= dash_px:
        yield start, end
        return

    def at(distance: float) -> tuple[float, float]:
        share = min(1.0, distance / length)
        return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])

    position = 0.0
    while position < length:
        yield at(position), at(position + dash_px)
        position += 2 * dash_px


def _draw_label(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], box: Detection, style: BoxStyle
) -> None:
    """Write the class and score into the box's corner, on its color, inside the picture."""
    font = ImageFont.load_default(size=max(11, round(max(size) / _FONT_PER_SIDE)))
    text = f"{box.label} {round(100 * box.score)}%"
    _, _, width, height = draw.textbbox((0, 0), text, font=font)
    left = max(0.0, min(box.box_xyxy_px[0], size[0] - width - 4))
    top = max(0.0, min(box.box_xyxy_px[1], size[1] - height - 4))
    draw.rectangle((left, top, left + width + 4, top + height + 4), fill=style.color)
    draw.text((left + 2, top + 1), text, fill="black", font=font)
