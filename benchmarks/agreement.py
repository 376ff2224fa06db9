"""What a classifier and a detector make of a decoded picture, against the original."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from difficmh_core.shapes import Image01
from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.tagging.detector import Detection, Detector
from difficmh_core.weights.cache import default_cache_dir
from difficmh_core.weights.recognition import load_classifier, load_detector

_MIN_OVERLAP = 0.5
_MIN_SCORE = 0.35


class Agreement(NamedTuple):
    """How far machines see the same in two pictures."""

    top1: float
    """1 if the classifier's first class is the same, else 0."""
    js_bits: float
    """Jensen-Shannon divergence of the classes' probabilities [bit], 0 to 1."""
    matched: int
    """Boxes of the original that are found again: same class, intersection over union 0.5."""
    missed: int
    """Boxes of the original that are not."""
    hallucinated: int
    """Boxes of the decoded picture that the original has not."""


class Machines:
    """A classifier (EfficientNet-Lite0) and a detector (YOLOX-Nano)."""

    def __init__(self) -> None:
        self.classifier: EfficientNetLite0 = load_classifier(default_cache_dir())
        self.detector: Detector = load_detector(default_cache_dir())

    @torch.inference_mode()
    def compare(self, original: Image01, decoded: Image01) -> Agreement:
        """Return the agreement of one pair of pictures."""
        ours, theirs = (self.classifier.probabilities(x)[0] for x in (original, decoded))
        boxes = [self.detector(x, min_score=_MIN_SCORE) for x in (original, decoded)]
        matched = n_matches(*boxes)
        return Agreement(
            top1=float(ours.argmax() == theirs.argmax()),
            js_bits=jensen_shannon_bits(ours, theirs),
            matched=matched,
            missed=len(boxes[0]) - matched,
            hallucinated=len(boxes[1]) - matched,
        )


def f1(results: Sequence[Agreement]) -> float:
    """Return the harmonic mean of precision and recall of all boxes; 1 if there are none."""
    matched = sum(r.matched for r in results)
    wrong = sum(r.missed + r.hallucinated for r in results)
    return 2 * matched / (2 * matched + wrong) if matched + wrong else 1.0


def jensen_shannon_bits(first: Tensor, second: Tensor) -> float:
    """Return the divergence of two distributions [bit], 0 (same) to 1 (nothing in common)."""
    middle = (first + second) / 2

    def divergence(p: Tensor) -> float:
        return torch.special.xlogy(p, p / middle.clamp(min=1e-12)).sum().item()

    return max(0.0, (divergence(first) + divergence(second)) / 2 / torch.tensor(2.0).log().item())


def n_matches(originals: Sequence[Detection], decoded: Sequence[Detection]) -> int:
    """Return how many boxes pair up, best scores first, each used once."""
    left, matched = list(decoded), 0
    for box in originals:
        same = [other for other in left if other.label_id == box.label_id]
        best = max(same, key=lambda other: overlap(box, other), default=None)
        if best is not None and overlap(box, best) >= _MIN_OVERLAP:
            left.remove(best)
            matched += 1
    return matched


def overlap(first: Detection, second: Detection) -> float:
    """Return the intersection over union of two boxes."""
    a, b = first.box_xyxy_px, second.box_xyxy_px
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
    return width * height / (areas - width * height)
