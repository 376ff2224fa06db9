"""Reading the text in a picture, and what is left of it after coding.

A generative decoder may write other letters than were there, and make them look right. Text is
therefore read in both pictures, line by line. Lines at one place are aligned letter by letter: a
letter is kept, changed (another one stands there, or none), or invented (none stood there).

References:
    PP-OCRv6, small: https://github.com/PaddlePaddle/PaddleOCR, run by the package rapidocr,
    https://github.com/RapidAI/RapidOCR (both Apache-2.0; its wheel holds the networks)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.image_io import to_image
from difficmh_core.shapes import Image01
from difficmh_core.tagging.detector import Detection
from difficmh_core.tagging.tags import refuse_batch
from difficmh_core.vision.boxes import BoxAgreement, overlap
from difficmh_core.vision.task_metrics import TEXT_COUNTS
from difficmh_core.vision.tasks import PackagedTask

_MIN_OVERLAP = 0.3
"""Least intersection over union of two lines at one place; text lines are thin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAgreement:
    """What became of the letters of a picture; blanks do not count.

    Attributes:
        n_kept: Letters that stand where they stood.
        n_changed: Letters in whose place another one stands, or none.
        n_invented: Letters where none stood.
        boxes: The lines: those kept whole are matched, changed ones are missed, and new ones are
            hallucinated.
    """

    n_kept: int
    n_changed: int
    n_invented: int
    boxes: BoxAgreement

    @property
    def kept(self) -> float:
        """Share of the original's letters that are kept; 1 if there are none."""
        n_letters = self.n_kept + self.n_changed
        return self.n_kept / n_letters if n_letters else 1.0


class TextReading(PackagedTask[Callable[..., Any]]):
    """Letters kept, changed and invented (PP-OCRv6)."""

    key = "text"
    name = "text (PP-OCRv6, small)"

    @staticmethod
    def load(cache_dir: Path) -> Callable[..., Any]:
        """The reader; its networks lie in its package.

        Raises:
            BackendUnavailableError: If the package is absent.
        """
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise BackendUnavailableError(
                "Reading text needs the package rapidocr, which is not installed. Run `pip "
                "install rapidocr`; all other tasks work without it."
            ) from error
        reader: Callable[..., Any] = RapidOCR(params={"Global.log_level": "error"})
        return reader

    def see(self, image: Image01) -> list[Detection]:
        """Return the lines of a picture, each with its text as the label."""
        refuse_batch(image, "reader")
        pixels = np.asarray(to_image(image))[:, :, ::-1]  # BGR, as the reader takes arrays
        answer = self._network(pixels)
        if answer.txts is None:
            return []
        lines = []
        for text, score, corners in zip(answer.txts, answer.scores, answer.boxes, strict=True):
            left, top = corners.min(axis=0)
            right, bottom = corners.max(axis=0)
            box = float(left), float(top), float(right), float(bottom)
            lines.append(Detection(label_id=0, label=text, score=float(score), box_xyxy_px=box))
        return lines

    def agreement(
        self, original: list[Detection], decoded: list[Detection]
    ) -> Mapping[str, float]:
        """Return the share of letters that are kept, and the numbers of letters."""
        found = compare_text(original, decoded)
        counts = found.n_kept, found.n_changed, found.n_invented
        return {"text_kept": found.kept, **dict(zip(TEXT_COUNTS, counts, strict=True))}


def compare_text(original: Sequence[Detection], decoded: Sequence[Detection]) -> TextAgreement:
    """Pair the lines of two pictures by place, and align their letters.

    Args:
        original: Lines of the original.
        decoded: Lines of the decoded picture.
    """
    left = list(decoded)
    n_kept = n_changed = n_invented = 0
    matched, missed = list[tuple[Detection, Detection]](), list[Detection]()
    for line in original:
        best = max(left, key=lambda other: overlap(line, other), default=None)
        if best is not None and overlap(line, best) >= _MIN_OVERLAP:
            left.remove(best)
            kept, changed, invented = aligned(line.label, best.label)
        else:
            best, (kept, changed, invented) = None, aligned(line.label, "")
        n_kept, n_changed, n_invented = n_kept + kept, n_changed + changed, n_invented + invented
        if best is not None and changed == invented == 0:
            matched.append((line, best))
        else:
            missed.append(line if best is None else best)
    n_invented += sum(aligned("", line.label)[2] for line in left)
    boxes = BoxAgreement(matched=tuple(matched), missed=tuple(missed), hallucinated=tuple(left))
    return TextAgreement(n_kept=n_kept, n_changed=n_changed, n_invented=n_invented, boxes=boxes)


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


_Cell = tuple[int, int, int, int]


def _sum(cell: _Cell, step: _Cell) -> _Cell:
    return cell[0] + step[0], cell[1] + step[1], cell[2] + step[2], cell[3] + step[3]
