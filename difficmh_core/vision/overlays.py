"""Boxes drawn on a decoded picture, for every eye: objects found again, and letters kept.

The colors are those of Okabe and Ito, which stay apart with any color vision; the line's dashes
say the same a second time.

References:
    Okabe, Ito: Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.letters import TextAgreement, TextPlace, text_of


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
"""All kinds of objects, for a legend."""
KEPT = replace(MATCHED, name="kept")
CHANGED = replace(MISSED, name="changed")
INVENTED = replace(HALLUCINATED, name="invented")
TEXT_STYLES = (KEPT, CHANGED, INVENTED)
"""All kinds of text, for a legend."""
_LINES_PER_SIDE = 200
_FONT_PER_SIDE = 32
_TEXT_FONT_PER_SIDE = 42
"""Text has more labels than objects have, and longer ones."""
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_Box = tuple[float, float, float, float]


def draw_agreement(decoded: Image.Image, agreement: BoxAgreement) -> Image.Image:
    """Return a copy of the decoded picture with the boxes of all objects on it.

    Args:
        decoded: RGB picture.
        agreement: Its boxes, against the original's.
    """
    drawn = decoded.copy()
    font = ImageFont.load_default(size=max(11, round(max(drawn.size) / _FONT_PER_SIDE)))
    for style, boxes in (
        (MISSED, agreement.missed),
        (HALLUCINATED, agreement.hallucinated),
        (MATCHED, tuple(pair[1] for pair in agreement.matched)),
    ):
        for box in boxes:
            _draw_box(drawn, box, style)
            label = f"{box.label} {round(100 * box.score)}%"
            _draw_label(drawn, label, box.box_xyxy_px[:2], style, font)
    return drawn


def draw_text(decoded: Image.Image, agreement: TextAgreement) -> Image.Image:
    """Return a copy of the decoded picture with the lines of text on it, and what they say.

    A label stands above its line or, if others are there, elsewhere around it, so that the letters
    can be seen. Where a line has changed, the label says what it was.

    Args:
        decoded: RGB picture.
        agreement: Its lines, against the original's.
    """
    drawn = decoded.copy()
    font = _text_font(max(11, round(max(drawn.size) / _TEXT_FONT_PER_SIDE)))
    lines = [line for place in agreement.places for line in _labeled(place)]
    for box, _, style in lines:
        _draw_box(drawn, box, style)
    boxes, taken = [line.box_xyxy_px for line, _, _ in lines], list[_Box]()
    for line, label, style in lines:
        short = _shortened(label, drawn.width - 4, font)
        size = _label_size(drawn, short, font)
        places = (_inside(drawn, place, size) for place in _around(line.box_xyxy_px, size))
        place = min(places, key=lambda place: (_n_hidden(place, taken), _n_hidden(place, boxes)))
        taken.append(place)
        _draw_label(drawn, short, place[:2], style, font)
    return drawn


def _labeled(place: TextPlace) -> Iterator[tuple[Detection, str, BoxStyle]]:
    """Yield the lines of a place, each with what to write at it."""
    if not place.decoded:
        for line in place.original:
            yield line, f"{line.label} \N{RIGHTWARDS ARROW} gone", CHANGED
        return
    style = KEPT if place.is_kept else CHANGED if place.original else INVENTED
    for index, line in enumerate(place.decoded):
        was = ""
        if style is CHANGED and index == 0:
            was = f"{text_of(place.original)} \N{RIGHTWARDS ARROW} "
        yield line, was + line.label, style


def _draw_box(image: Image.Image, box: Detection, style: BoxStyle) -> None:
    draw = ImageDraw.Draw(image)
    line_px = max(2, round(max(image.size) / _LINES_PER_SIDE))
    left, top, right, bottom = box.box_xyxy_px
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for start, end in pairwise(corners):
        for dash in _dashes(start, end, style.dash * line_px):
            draw.line(dash, fill=style.color, width=line_px)


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
    image: Image.Image, text: str, corner: tuple[float, float], style: BoxStyle, font: _Font
) -> None:
    """Write a text at its left upper corner, on the kind's color, inside the picture."""
    draw = ImageDraw.Draw(image)
    box = _inside(image, corner, _label_size(image, text, font))
    draw.rectangle(box, fill=style.color)
    draw.text((box[0] + 2, box[1] + 1), text, fill="black", font=font)


def _label_size(image: Image.Image, text: str, font: _Font) -> tuple[float, float]:
    _, _, width, height = ImageDraw.Draw(image).textbbox((0, 0), text, font=font)
    return width + 4, height + 4


def _inside(image: Image.Image, corner: tuple[float, float], size: tuple[float, float]) -> _Box:
    """Return the box of (width, height) nearest to a corner that is inside the picture."""
    left = max(0.0, min(corner[0], image.width - size[0]))
    top = max(0.0, min(corner[1], image.height - size[1]))
    return left, top, left + size[0], top + size[1]


def _shortened(text: str, width_px: int, font: _Font) -> str:
    """Return as much of a text as has room."""
    n_letters = len(text)
    while font.getlength(text) > width_px and n_letters:
        n_letters -= 1
        text = text[:n_letters] + "\N{HORIZONTAL ELLIPSIS}"
    return text


def _around(box: _Box, size: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Yield the corners of labels that do not hide what a box holds, the best one first."""
    left, top, right, bottom = box
    width, height = size
    if top >= height + 1:
        yield left, top - height - 1
    yield left, bottom + 2
    yield right + 2, top
    yield left - width - 2, top
    yield right + 2, bottom - height
    yield left - width - 2, bottom - height


def _n_hidden(box: _Box, others: Sequence[_Box]) -> int:
    """Count the boxes that a box lies upon."""
    return sum(
        min(box[2], other[2]) > max(box[0], other[0])
        and min(box[3], other[3]) > max(box[1], other[1])
        for other in others
    )


@cache
def _text_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return a font with the letters of European languages; those that it lacks are boxes."""
    import matplotlib as mpl  # slow to import

    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size_px)
