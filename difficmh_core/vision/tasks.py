"""Machine tasks that run on packaged networks, and how their answers are compared.

Each task is asked for the original once and for every decoded picture, and tells how far the
answers agree. Nothing is adapted to decoded pictures. What the numbers mean is told by
:mod:`difficmh_core.vision.task_metrics`, all tasks are listed in
:mod:`difficmh_core.vision.task_table`.
"""

from collections.abc import Callable, Mapping
from math import log
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from difficmh_core.shapes import Image01
from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.tagging.detector import Detection, Detector
from difficmh_core.tagging.nano import NanoTagger
from difficmh_core.vision.boxes import compare_boxes
from difficmh_core.vision.task_metrics import BOX_COUNTS
from difficmh_core.weights.recognition import load_classifier, load_detector, load_tagger

MIN_SCORE = 0.35
"""Confidence from which a box counts."""
_COCO_MIN_SCORE = 0.01
_COCO_MAX_OVERLAP = 0.65  # as the detector's authors evaluate it
_TOP = 5
NetworkT = TypeVar("NetworkT")


@runtime_checkable
class MachineTask(Protocol):
    """One task of machine vision.

    Attributes:
        key: How command lines and tables name it.
        name: The task and the network that does it.
    """

    key: str
    name: str

    def see(self, image: Image01) -> Any:  # noqa: ANN401 (each task has its own answer)
        """Return the network's answer for one RGB picture in [0, 1]."""

    def agreement(self, original: Any, decoded: Any) -> Mapping[str, float]:  # noqa: ANN401
        """Compare two answers; the keys are those of :mod:`difficmh_core.vision.task_metrics`."""


class PackagedTask(MachineTask, Generic[NetworkT]):
    """A machine task on a network that needs no hub.

    Attributes:
        load: Takes the folder of fetched weights and returns the network.
    """

    load: Callable[[Path], NetworkT]

    def __init__(self, cache_dir: Path) -> None:
        """Load the network.

        Raises:
            BackendUnavailableError: If its weights have not been fetched.
        """
        self._network = self.load(cache_dir)


class DetectionTask(PackagedTask[Detector]):
    """Objects of 80 classes (YOLOX-Nano): boxes matched, missed and hallucinated."""

    key = "detection"
    name = "detection (YOLOX-Nano)"
    load = staticmethod(load_detector)

    def see(self, image: Image01) -> list[Detection]:
        """Return the boxes that count, by falling score."""
        return self._network(image, min_score=MIN_SCORE)

    def all_boxes(self, image: Image01) -> list[Detection]:
        """Return nearly all boxes with low confidence too, as COCO's precision wants them."""
        return self._network(image, min_score=_COCO_MIN_SCORE, max_overlap=_COCO_MAX_OVERLAP)

    def agreement(
        self, original: list[Detection], decoded: list[Detection]
    ) -> Mapping[str, float]:
        """Return F1 at an overlap of one half, and the numbers of boxes."""
        boxes = compare_boxes(original, decoded)
        return {"box_f1": boxes.f1, **dict(zip(BOX_COUNTS, boxes.counts, strict=True))}


class Classification(PackagedTask[EfficientNetLite0]):
    """A thousand classes (EfficientNet-Lite0): first class, first five, divergence."""

    key = "classification"
    name = "classification (EfficientNet-Lite0)"
    load = staticmethod(load_classifier)

    def see(self, image: Image01) -> Tensor:
        """Return the probability of each class."""
        return self._network.probabilities(image)[0]

    def agreement(self, original: Tensor, decoded: Tensor) -> Mapping[str, float]:
        """Compare the first class, look for it among the first five, and take the divergence."""
        first = original.argmax()
        return {
            "top1": float(first == decoded.argmax()),
            "top5": float(first in decoded.topk(_TOP).indices),
            "js_bits": jensen_shannon_bits(original, decoded),
        }


class Tagging(PackagedTask[NanoTagger]):
    """The codec's own tags: how many of both pictures' tags they share."""

    key = "tags"
    name = "tags (EfficientNet-Lite0 and YOLOX-Nano)"
    load = staticmethod(load_tagger)

    def see(self, image: Image01) -> frozenset[int]:
        """Return the ids of the picture's tags."""
        return frozenset(tag.id for tag in self._network(image))

    def agreement(self, original: frozenset[int], decoded: frozenset[int]) -> Mapping[str, float]:
        """Return intersection over union; 1 if neither picture has a tag."""
        union = original | decoded
        return {"tags_iou": len(original & decoded) / len(union) if union else 1.0}


class FeatureDeviation(PackagedTask[EfficientNetLite0]):
    """How far a classifier's features move, stage by stage: the experiment behind the paper.

    The relative distance ``|f(decoded) - f(original)| / |f(original)|`` after the stem and after
    each stage of EfficientNet-Lite0, shallow to deep.

    References:
        Diff-ICMH, NeurIPS 2025, section 3.1.
    """

    key = "features"
    name = "features by depth (EfficientNet-Lite0)"
    load = staticmethod(load_classifier)

    def see(self, image: Image01) -> list[Tensor]:
        """Return the features after each stage."""
        return self._network.stages(image)

    def agreement(self, original: list[Tensor], decoded: list[Tensor]) -> Mapping[str, float]:
        """Return the relative distance after each stage, 0 for equal features."""
        return {
            f"features_{index}": float((b - a).norm() / a.norm())
            for index, (a, b) in enumerate(zip(original, decoded, strict=True))
        }


def jensen_shannon_bits(first: Tensor, second: Tensor) -> float:
    """Return the divergence of two distributions [bit], 0 (same) to 1 (nothing in common)."""
    middle = (first + second) / 2

    def divergence(p: Tensor) -> Tensor:
        terms: Tensor = torch.special.xlogy(p, p / middle.clamp(min=1e-12))
        return terms.sum()

    nats = float(divergence(first) + divergence(second)) / 2
    return max(0.0, nats / log(2))
