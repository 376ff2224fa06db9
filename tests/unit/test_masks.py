"""Agreement of masks: hand-computed cases of F1, panoptic quality and mIoU."""

import pytest
import torch

from difficmh_core.vision.masks import (
    Instance,
    Panorama,
    class_agreement,
    instance_agreement,
    mask_iou,
    panoptic_agreement,
    word_agreement,
)


def mask(left, right, height=4, width=12):
    """Columns from left to right, over the whole height."""
    made = torch.zeros(height, width, dtype=torch.bool)
    made[:, left:right] = True
    return made


def instance(label, left, right, score=0.9):
    return Instance(label_id=label, score=score, mask=mask(left, right))


def panorama(*segments):
    """Segments (class, left, right) numbered from 1; the rest is void."""
    numbers = torch.zeros(4, 12, dtype=torch.int64)
    for number, (_, left, right) in enumerate(segments, start=1):
        numbers[:, left:right] = number
    return Panorama(
        segments=numbers, labels={i: label for i, (label, _, _) in enumerate(segments, start=1)}
    )


def test_overlap_of_masks_is_intersection_over_union():
    assert mask_iou(mask(0, 6), mask(3, 9)) == pytest.approx(3 / 9)
    assert mask_iou(mask(0, 0), mask(0, 0)) == 0


def test_instances_pair_up_once_and_by_class():
    original = [instance(1, 0, 4), instance(1, 6, 10), instance(2, 6, 10)]
    same = instance_agreement(original, original)
    assert same == {"mask_f1": 1, "mask_iou": 1}
    # One pair of the right class (overlap 3/4), one of another class, one missed.
    decoded = [instance(1, 1, 4), instance(3, 6, 10)]
    found = instance_agreement(original, decoded)
    assert found["mask_f1"] == pytest.approx(2 * 1 / (3 + 2))
    assert found["mask_iou"] == pytest.approx(3 / 4)
    # Two of the original cannot share one mask.
    twice = instance_agreement([instance(1, 0, 4), instance(1, 0, 5)], [instance(1, 0, 4)])
    assert twice["mask_f1"] == pytest.approx(2 / 3)


def test_pictures_without_instances():
    assert instance_agreement([], []) == {"mask_f1": 1, "mask_iou": 1}
    assert instance_agreement([], [instance(1, 0, 4)]) == {"mask_f1": 0, "mask_iou": 0}
    assert instance_agreement([instance(1, 0, 4)], []) == {"mask_f1": 0, "mask_iou": 0}


def test_panoptic_quality_is_segmentation_times_recognition():
    original = panorama((1, 0, 4), (1, 4, 8), (2, 8, 12))
    assert set(panoptic_agreement(original, original).values()) == {1}
    # Class 1: one match of overlap 4/5, one missed, none wrong: PQ = 0.8 / 1.5.
    # Class 2: one match of overlap 4/7: PQ = 4/7.
    decoded = panorama((1, 0, 5), (2, 5, 12))
    found = panoptic_agreement(original, decoded)
    assert found["pq"] == pytest.approx((0.8 / 1.5 + 4 / 7) / 2)
    assert found["pq_segmentation"] == pytest.approx((0.8 + 4 / 7) / 2)
    assert found["pq_recognition"] == pytest.approx((1 / 1.5 + 1) / 2)


def test_half_an_overlap_is_no_match_and_another_class_is_none():
    original = panorama((1, 0, 6))
    half = panoptic_agreement(original, panorama((1, 0, 3)))
    assert set(half.values()) == {0}
    other = panoptic_agreement(original, panorama((2, 0, 6)))
    assert set(other.values()) == {0}


def test_void_pixels_of_the_original_count_for_nothing():
    original = panorama((1, 0, 4))
    # The four columns beyond the segment are void: they do not widen the union.
    wide = panoptic_agreement(original, panorama((1, 0, 8)))
    assert wide["pq"] == 1
    # A segment for the most part in the void is not held against the picture ...
    beside = panoptic_agreement(original, panorama((1, 0, 4), (2, 6, 12)))
    assert beside["pq"] == 1
    # ... but void of the decoded picture is a segment missed.
    assert panoptic_agreement(original, panorama())["pq"] == 0
    assert panoptic_agreement(panorama(), panorama())["pq"] == 1


def test_classes_of_pixels():
    original = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1]])
    assert class_agreement(original, original) == {"semantic_miou": 1, "semantic_accuracy": 1}
    decoded = torch.tensor([[0, 0, 0, 1], [0, 0, 2, 1]])
    # Class 0: 4/5, class 1: 2/4, class 2: 0.
    found = class_agreement(original, decoded)
    assert found["semantic_miou"] == pytest.approx((4 / 5 + 2 / 4 + 0) / 3)
    assert found["semantic_accuracy"] == pytest.approx(6 / 8)


def test_words_that_neither_picture_shows_do_not_count():
    none = mask(0, 0)
    original = torch.stack([mask(0, 6), none, mask(0, 2)])
    decoded = torch.stack([mask(0, 3), none, none])
    assert word_agreement(original, decoded)["open_miou"] == pytest.approx((0.5 + 0) / 2)
    assert word_agreement(original, original)["open_miou"] == 1
    assert word_agreement(none[None], none[None])["open_miou"] == 1
