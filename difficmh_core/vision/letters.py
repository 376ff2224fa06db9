"""Letters of a decoded picture against those of the original: kept, changed, invented.

Lines of text that lie upon each other in the two pictures belong to one place, where one picture
may have them in one piece and the other in several. The letters of a place are aligned: a letter
is kept, changed (another one stands there, or none), or invented (none stood there).

A reader sees letters in cups and leaves, too, and is less sure of them. A place therefore counts
only if the original's text is read there with confidence, or if it has none and the decoded
picture's is. What stands in the decoded picture where text stood is compared in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from difficmh_core.tagging.detector import Detection

_MIN_SHARED = 0.5
"""Two lines are at one place if the longer has this share of the shorter's length within it, and
if they share this part of the longer's height: smaller letters between large ones stand apart."""
MIN_SCORE = 0.8
"""Confidence from which a line is taken for text, and the same for a single letter: on a hundred
photographs, what was read with less was mostly no text, or too small to be read."""
MIN_LETTER_SCORE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlace:
    """The lines at one place of two pictures, and what became of their letters.

    Attributes:
        original: Lines of the original in reading order; their labels are what they say.
        decoded: Lines of the decoded picture likewise.
        n_kept: Letters that stand where they stood.
        n_changed: Letters in whose place another one stands, or none.
        n_invented: Letters where none stood.
    """

    original: tuple[Detection, ...]
    decoded: tuple[Detection, ...]
    n_kept: int
    n_changed: int
    n_invented: int

    @property
    def is_kept(self) -> bool:
        """Whether the place says what it said."""
        return self.n_changed == self.n_invented == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAgreement:
    """What became of the letters of a picture; blanks do not count.

    Attributes:
        places: Where there is text in the original, in the decoded picture, or in both.
    """

    places: tuple[TextPlace, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of letters kept, changed and invented."""
        return (
            sum(place.n_kept for place in self.places),
            sum(place.n_changed for place in self.places),
            sum(place.n_invented for place in self.places),
        )

    @property
    def n_letters(self) -> int:
        """Letters of the original."""
        n_kept, n_changed, _ = self.counts
        return n_kept + n_changed

    @property
    def kept(self) -> float | None:
        """Share of the original's letters that are kept; ``None`` if it has none."""
        return self.counts[0] / self.n_letters if self.n_letters else None

    @property
    def of_original(self) -> "TextAgreement":
        """The lines of the original, all kept."""
        places = (_place(each.original, each.original) for each in self.places if each.original)
        return TextAgreement(places=tuple(places))


def compare_text(original: Sequence[Detection], decoded: Sequence[Detection]) -> TextAgreement:
    """Gather the lines of two pictures by place, and align their letters.

    Args:
        original: Lines of the original.
        decoded: Lines of the decoded picture.
    """
    return TextAgreement(
        places=tuple(
            _place(before, after)
            for before, after in _places(original, decoded)
            if any(map(_is_sure, before or after))
        )
    )


def aligned(original: str, decoded: str) -> tuple[int, int, int]:
    """Numbers of letters kept, changed and invented between two lines; blanks do not count.

    Of all alignments with the fewest edits (Levenshtein's distance), one that keeps most letters.
    """
    before, after = "".join(original.split()), "".join(decoded.split())
    # Each cell: edits, minus the letters kept, changed, invented.
    row = [(j, 0, 0, j) for j in range(len(after) + 1)]
    for i, letter in enumerate(before, 1):
        above, row = row, [(i, 0, i, 0)]
        for j, other in enumerate(after, 1):
            here = (0, -1, 0, 0) if letter == other else (1, 0, 1, 0)
            row.append(
                min(
                    _sum(above[j - 1], here),
                    _sum(above[j], (1, 0, 1, 0)),
                    _sum(row[j - 1], (1, 0, 0, 1)),
                )
            )
    _, kept, n_changed, n_invented = row[-1]
    return -kept, n_changed, n_invented


def text_of(lines: Sequence[Detection]) -> str:
    """What lines say, one after the other."""
    return " ".join(line.label for line in lines)


def _is_sure(line: Detection) -> bool:
    is_letter = len(line.label.strip()) == 1
    return line.score >= (MIN_LETTER_SCORE if is_letter else MIN_SCORE)


def _place(original: Sequence[Detection], decoded: Sequence[Detection]) -> TextPlace:
    before, after = tuple(_in_reading_order(original)), tuple(_in_reading_order(decoded))
    n_kept, n_changed, n_invented = aligned(text_of(before), text_of(after))
    return TextPlace(
        original=before,
        decoded=after,
        n_kept=n_kept,
        n_changed=n_changed,
        n_invented=n_invented,
    )


def _places(
    original: Sequence[Detection], decoded: Sequence[Detection]
) -> list[tuple[list[Detection], list[Detection]]]:
    """Join lines of the two pictures that lie upon each other, and whatever that connects."""
    places = [([line], list[Detection]()) for line in original]
    for line in decoded:
        joined = [place for place in places if any(_is_upon(line, one) for one in place[0])]
        merged = (
            [one for place in joined for one in place[0]],
            [
                *(one for place in joined for one in place[1]),
                line,
            ],
        )
        places = [place for place in places if place not in joined] + [merged]
    return places


def _is_upon(one: Detection, other: Detection) -> bool:
    along = _axis(max(one, other, key=_length_px))
    across = 1 - along
    shorter_px = min(_extent_px(one, along), _extent_px(other, along))
    higher_px = max(_extent_px(one, across), _extent_px(other, across))
    return (
        _shared_px(one, other, along) >= _MIN_SHARED * shorter_px
        and _shared_px(one, other, across) >= _MIN_SHARED * higher_px
    )


def _axis(line: Detection) -> int:
    """The axis along which a line runs: 0 to the right, 1 downwards."""
    return int(_extent_px(line, 1) > _extent_px(line, 0))


def _length_px(line: Detection) -> float:
    return max(_extent_px(line, 0), _extent_px(line, 1))


def _extent_px(line: Detection, axis: int) -> float:
    return line.box_xyxy_px[axis + 2] - line.box_xyxy_px[axis]


def _shared_px(one: Detection, other: Detection, axis: int) -> float:
    a, b = one.box_xyxy_px, other.box_xyxy_px
    return min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])


def _in_reading_order(lines: Sequence[Detection]) -> list[Detection]:
    """Sort the pieces of a line: to the right or, if it runs downwards, from top to bottom."""
    if not lines:
        return []
    along = _axis(max(lines, key=_length_px))
    return sorted(lines, key=lambda line: line.box_xyxy_px[along])


_Cell = tuple[int, int, int, int]


def _sum(cell: _Cell, step: _Cell) -> _Cell:
    return cell[0] + step[0], cell[1] + step[1], cell[2] + step[2], cell[3] + step[3]
