"""Letters of a decoded picture against those of the original: kept, changed, invented.

Lines of text that lie upon each other in the two pictures belong to one place, where one picture
may have them in one piece and the other in several. The letters of a place are aligned: a letter
is kept, changed (another one stands there, or none), or invented (none stood there).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.boxes import intersection_px

_MIN_COVERED = 0.5
"""Share of the smaller of two lines that the other covers, from which they are at one place."""


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
        lines = [line for place in self.places for line in place.original]
        return compare_text(lines, lines)


def compare_text(original: Sequence[Detection], decoded: Sequence[Detection]) -> TextAgreement:
    """Gather the lines of two pictures by place, and align their letters.

    Args:
        original: Lines of the original.
        decoded: Lines of the decoded picture.
    """
    return TextAgreement(places=tuple(_place(*lines) for lines in _places(original, decoded)))


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
    smaller = min(_area_px(one), _area_px(other))
    return smaller > 0 and intersection_px(one, other) >= _MIN_COVERED * smaller


def _area_px(line: Detection) -> float:
    return intersection_px(line, line)


def _in_reading_order(lines: Sequence[Detection]) -> Iterator[Detection]:
    """Yield lines from top to bottom; those beside each other from left to right."""
    left = sorted(lines, key=lambda line: line.box_xyxy_px[1])
    while left:
        _, top, _, bottom = left[0].box_xyxy_px
        row = [line for line in left if line.box_xyxy_px[1] <= (top + bottom) / 2]
        yield from sorted(row, key=lambda line: line.box_xyxy_px[0])
        left = [line for line in left if line not in row]


_Cell = tuple[int, int, int, int]


def _sum(cell: _Cell, step: _Cell) -> _Cell:
    return cell[0] + step[0], cell[1] + step[1], cell[2] + step[2], cell[3] + step[3]
