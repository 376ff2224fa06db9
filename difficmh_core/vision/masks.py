"""Masks of a decoded picture against those of the original: F1, panoptic quality, mIoU.

Masks are compared at the size at which the network answers. Intersection over union does not
change when both axes are scaled, so nothing is resized to the picture, however large it is.

With segments p of the decoded picture and g of the original, matched where they have the same
class and ``IoU(p, g) > 1/2``, which no segment can have with two::

    PQ = sum of IoU over matches / (matches + unmatched p / 2 + unmatched g / 2)
       = SQ * RQ,   SQ = mean IoU of matches,   RQ = F1 of matching

References:
    Kirillov et al.: Panoptic Segmentation, CVPR 2019, https://arxiv.org/abs/1801.00868, eq. 1;
    section 4 says what becomes of pixels that the original leaves void.
    Long, Shelhamer, Darrell: Fully Convolutional Networks, CVPR 2015,
    https://arxiv.org/abs/1411.4038, section 5 (mIoU, pixel accuracy)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

MIN_OVERLAP = 0.5
"""Least intersection over union of a pair of instances, as for boxes."""
VOID = 0
"""Number of the pixels that belong to no segment."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """One thing and its mask.

    Attributes:
        label_id: Its class.
        score: Confidence, 0 to 1.
        mask: Where it is.
    """

    label_id: int
    score: float
    mask: Bool[Tensor, "height width"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panorama:
    """A picture divided into segments that do not overlap.

    Attributes:
        segments: Number of each pixel's segment; :data:`VOID` where there is none.
        labels: Class of each segment, by its number.
    """

    segments: Int[Tensor, "height width"]
    labels: Mapping[int, int]


def mask_iou(first: Bool[Tensor, "..."], second: Bool[Tensor, "..."]) -> float:
    """Return the intersection over union of two masks, 0 to 1; 0 if both are empty."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0


def instance_agreement(
    original: Sequence[Instance], decoded: Sequence[Instance]
) -> Mapping[str, float]:
    """Return F1 at an overlap of one half, and the mean overlap of the pairs.

    The best-scored instance of the original first, each takes the mask of its class that overlaps
    it most. Both numbers are 1 if neither picture has instances.

    Args:
        original: Instances of the original, by falling score.
        decoded: Instances of the decoded picture.
    """
    left, overlaps = list(decoded), list[float]()
    for instance in original:
        same = [other for other in left if other.label_id == instance.label_id]
        rated = [(mask_iou(instance.mask, other.mask), other) for other in same]
        overlap, best = max(rated, key=lambda pair: pair[0], default=(0.0, None))
        if best is not None and overlap >= MIN_OVERLAP:
            left = [other for other in left if other is not best]
            overlaps.append(overlap)
    n_all = len(original) + len(decoded)
    return {
        "mask_f1": 2 * len(overlaps) / n_all if n_all else 1.0,
        "mask_iou": sum(overlaps) / len(overlaps) if overlaps else float(not n_all),
    }


def panoptic_agreement(original: Panorama, decoded: Panorama) -> Mapping[str, float]:
    """Return PQ, SQ and RQ, each the mean over the classes of either picture.

    Pixels that the original leaves void count for nothing: they do not widen a union, and a
    segment of the decoded picture that lies in them for the most part is not held against it. All
    are 1 if neither picture has a segment.
    """
    void = original.segments == VOID
    classes = sorted({*original.labels.values(), *decoded.labels.values()})
    matched = {label: list[float]() for label in classes}
    left_original, left_decoded = dict(original.labels), dict(decoded.labels)
    ignored = set[int]()
    for number, label in decoded.labels.items():
        mask = decoded.segments == number
        area, in_void = int(mask.sum()), int((mask & void).sum())
        if 2 * in_void > area:
            ignored.add(number)
        for candidate in torch.unique(original.segments[mask]).tolist():
            if original.labels.get(candidate) != label:
                continue
            other = original.segments == candidate
            common = int((mask & other).sum())
            overlap = common / (area + int(other.sum()) - common - in_void)
            if overlap > MIN_OVERLAP:
                matched[label].append(overlap)
                del left_original[candidate], left_decoded[number]
                break
    totals = list[tuple[float, float, float]]()
    for label, overlaps in matched.items():
        n_missed = sum(other == label for other in left_original.values())
        n_wrong = sum(
            other == label for number, other in left_decoded.items() if number not in ignored
        )
        weight = len(overlaps) + (n_missed + n_wrong) / 2
        if weight:
            quality = sum(overlaps) / len(overlaps) if overlaps else 0.0
            totals.append((sum(overlaps) / weight, quality, len(overlaps) / weight))
    keys = ("pq", "pq_segmentation", "pq_recognition")
    if not totals:
        return dict.fromkeys(keys, 1.0)
    columns = zip(*totals, strict=True)
    return {key: sum(column) / len(totals) for key, column in zip(keys, columns, strict=True)}


def class_agreement(
    original: Int[Tensor, "height width"], decoded: Int[Tensor, "height width"]
) -> Mapping[str, float]:
    """Return the mean overlap over either picture's classes, and the share of equal pixels."""
    classes = torch.unique(torch.cat([original.flatten(), decoded.flatten()])).tolist()
    overlaps = [mask_iou(original == label, decoded == label) for label in classes]
    return {
        "semantic_miou": sum(overlaps) / len(overlaps),
        "semantic_accuracy": float((original == decoded).float().mean()),
    }


def word_agreement(
    original: Bool[Tensor, "words height width"], decoded: Bool[Tensor, "words height width"]
) -> Mapping[str, float]:
    """Return the mean overlap over the words that either picture shows; 1 if there are none."""
    overlaps = [
        mask_iou(first, second)
        for first, second in zip(original, decoded, strict=True)
        if first.any() or second.any()
    ]
    return {"open_miou": sum(overlaps) / len(overlaps) if overlaps else 1.0}
