"""Boxes of a decoded picture against those of the original: matched, missed, hallucinated.

The best-scored box of the original first, each takes the box of its class that overlaps it most,
if they share half of their union. What is left of the original was missed; what is left of the
decoded picture was hallucinated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from difficmh_core.tagging.detector import Detection

MIN_OVERLAP = 0.5
"""Least intersection over union of a pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxAgreement:
    """How the boxes of two pictures pair up.

    Attributes:
        matched: Pairs: the original's box, the decoded picture's.
        missed: Boxes of the original without a partner.
        hallucinated: Boxes of the decoded picture without a partner.
    """

    matched: tuple[tuple[Detection, Detection], ...]
    missed: tuple[Detection, ...]
    hallucinated: tuple[Detection, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of boxes matched, missed and hallucinated."""
        return len(self.matched), len(self.missed), len(self.hallucinated)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1; 1 if neither picture has boxes."""
        return float(f1_of_counts(*self.counts))

    @property
    def of_original(self) -> "BoxAgreement":
        """The boxes of the original, all matched with themselves."""
        boxes = (*(pair[0] for pair in self.matched), *self.missed)
        return BoxAgreement(matched=tuple((b, b) for b in boxes), missed=(), hallucinated=())


def compare_boxes(original: Sequence[Detection], decoded: Sequence[Detection]) -> BoxAgreement:
    """Pair the boxes of two pictures.

    Args:
        original: Boxes of the original, by falling score.
        decoded: Boxes of the decoded picture.
    """
    left = list(decoded)
    matched, missed = list[tuple[Detection, Detection]](), list[Detection]()
    for box in original:
        same = [other for other in left if other.label_id == box.label_id]
        best = max(same, key=lambda other: overlap(box, other), default=None)
        if best is not None and overlap(box, best) >= MIN_OVERLAP:
            left.remove(best)
            matched.append((box, best))
        else:
            missed.append(box)
    return BoxAgreement(matched=tuple(matched), missed=tuple(missed), hallucinated=tuple(left))


def f1_of_counts(
    matched: ArrayLike, missed: ArrayLike, hallucinated: ArrayLike
) -> NDArray[np.floating[Any]]:
    """F1 of boxes counted over one picture or many, 0 to 1; 1 if there are none at all."""
    twice, wrong = 2 * np.asarray(matched), np.asarray(missed) + np.asarray(hallucinated)
    return np.where(twice + wrong > 0, twice / np.maximum(twice + wrong, 1), 1.0)


def share_of_counts(good: ArrayLike, bad: ArrayLike) -> NDArray[np.floating[Any]]:
    """Share of what is good, over one picture or many, 0 to 1; 1 if there is nothing at all."""
    total = np.asarray(good) + np.asarray(bad)
    return np.where(total > 0, np.asarray(good) / np.maximum(total, 1), 1.0)


def overlap(first: Detection, second: Detection) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    a, b = first.box_xyxy_px, second.box_xyxy_px
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)) - width * height
    return width * height / union if union > 0 else 0.0
