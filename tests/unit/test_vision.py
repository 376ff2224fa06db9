"""What machines see: boxes paired, distributions compared, precision as COCO has it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.image_io import to_tensor
from difficmh_core.tagging.detector import Detection
from difficmh_core.tagging.vocabulary import coco_names
from difficmh_core.vision.boxes import compare_boxes, f1_of_counts, overlap
from difficmh_core.vision.coco_map import CocoAnnotations
from difficmh_core.vision.letters import compare_text
from difficmh_core.vision.overlays import (
    STYLES,
    TEXT_STYLES,
    _labeled,
    _shortened,
    draw_agreement,
    draw_text,
)
from difficmh_core.vision.task_metrics import BOX_COUNTS, N_FEATURE_STAGES, TASK_METRICS
from difficmh_core.vision.tasks import (
    Classification,
    FeatureDeviation,
    Tagging,
    jensen_shannon_bits,
)
from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO
from tests.cached_weights import folder_with

NAMES = coco_names()


def box(label_id, left, top, right, bottom, score=0.9):
    return Detection(
        label_id=label_id,
        label=NAMES[label_id],
        score=score,
        box_xyxy_px=(left, top, right, bottom),
    )


def test_boxes_pair_up_once_and_by_class():
    original = [box(1, 0, 0, 10, 10), box(1, 0, 0, 10, 9), box(2, 50, 50, 60, 60)]
    decoded = [box(1, 0, 0, 10, 10), box(3, 50, 50, 60, 60)]
    agreement = compare_boxes(original, decoded)
    assert agreement.matched == ((original[0], decoded[0]),)
    assert agreement.missed == tuple(original[1:])
    assert agreement.hallucinated == (decoded[1],)
    assert agreement.f1 == pytest.approx(2 / 5)
    assert compare_boxes(original, original).f1 == 1
    assert not compare_boxes([box(1, 0, 0, 10, 10)], [box(1, 6, 0, 16, 10)]).matched


def test_f1_is_pooled_over_pictures():
    empty = compare_boxes([], [])
    assert empty.f1 == 1
    one = compare_boxes([box(0, 0, 0, 9, 9)], [box(0, 0, 0, 9, 9)])
    invented = compare_boxes([], [box(0, 0, 0, 9, 9)])
    counts = [
        (len(pairs.matched), len(pairs.missed), len(pairs.hallucinated))
        for pairs in (empty, one, invented)
    ]
    found = metric_of("box_f1").over_pictures(
        lambda key: np.array([count[BOX_COUNTS.index(key)] for count in counts])
    )
    assert found == pytest.approx(2 / 3)
    assert f1_of_counts([0, 1], [0, 1], [0, 0]).tolist() == pytest.approx([1, 2 / 3])


def test_overlap_is_intersection_over_union():
    assert overlap(box(0, 0, 0, 2, 2), box(0, 1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap(box(0, 0, 0, 0, 0), box(0, 0, 0, 0, 0)) == 0


def test_divergence_is_zero_for_equal_and_one_for_disjoint_distributions():
    first, second = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert jensen_shannon_bits(first, first) == 0
    assert jensen_shannon_bits(first, second) == pytest.approx(1)
    half = torch.tensor([0.5, 0.5])
    assert jensen_shannon_bits(first, half) == pytest.approx(0.3113, abs=1e-4)


def test_overlays_show_each_kind_in_its_color():
    agreement = compare_boxes(
        [box(1, 10, 10, 60, 60), box(2, 100, 10, 180, 60)],
        [box(1, 10, 10, 60, 60), box(3, 10, 100, 60, 160)],
    )
    image = Image.new("RGB", (200, 200))
    drawn = np.asarray(draw_agreement(image, agreement))
    for style in STYLES:
        assert (drawn == rgb_of(style)).all(axis=-1).sum() > 50, style.name
    assert not np.asarray(image).any()


def rgb_of(style):
    return [int(style.color[i : i + 2], 16) for i in (1, 3, 5)]


def word(text, *corners):
    return Detection(label_id=0, label=text, score=0.9, box_xyxy_px=corners)


def test_text_is_drawn_in_the_color_of_its_fate_and_its_label_hides_no_letter():
    kept, changed = word("STOP", 10, 40, 90, 70), word("GO", 10, 120, 60, 150)
    agreement = compare_text(
        [kept, changed], [kept, word("60", 10, 120, 60, 150), word("NEW", 120, 2, 190, 20)]
    )
    drawn = np.asarray(draw_text(Image.new("RGB", (200, 200)), agreement))
    for style in TEXT_STYLES:
        assert (drawn == rgb_of(style)).all(axis=-1).sum() > 50, style.name
    for box in (kept, changed, word("NEW", 120, 2, 190, 20)):
        left, top, right, bottom = (round(edge) for edge in box.box_xyxy_px)
        assert not drawn[top + 2 : bottom - 1, left + 2 : right - 1].any(), box.label


def test_labels_say_what_a_line_was():
    changed, gone = word("STOP", 0, 0, 40, 20), word("GO", 0, 50, 40, 70)
    decoded = [word("SHOP", 0, 0, 40, 20), word("NEW", 0, 90, 40, 110)]
    places = compare_text([changed, gone], decoded).places
    labels = [label for place in places for _, label, _ in _labeled(place)]
    assert labels == ["GO \u2192 gone", "STOP \u2192 SHOP", "NEW"]


def test_labels_hide_neither_each_other_nor_other_lines():
    lines = [word("ONE", 10, 60, 60, 74), word("TWO", 10, 76, 60, 90)]
    drawn = np.asarray(draw_text(Image.new("RGB", (300, 200)), compare_text(lines, lines)))
    assert not drawn[63:72, 13:58].any()
    assert not drawn[79:88, 13:58].any()
    above, below = drawn[44:58].any(axis=(-1, -2)), drawn[94:104].any(axis=(-1, -2))
    assert above.sum() > 5
    assert below.sum() > 5


def test_labels_are_cut_where_they_have_no_room():
    font = ImageFont.load_default(size=12)
    assert _shortened("A sign", 100, font) == "A sign"
    cut = _shortened("A very long sign", 60, font)
    assert cut.endswith("\u2026")
    assert 40 < font.getlength(cut) <= 60


@pytest.fixture
def annotations(tmp_path):
    path = tmp_path / "instances.json"
    boxes = [(1, 1, [0, 0, 50, 40]), (1, 2, [60, 60, 30, 30]), (2, 1, [5, 5, 20, 20])]
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 99, "height": 99} for i in (1, 2)],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"}],
        "annotations": [
            {
                "id": index,
                "image_id": image,
                "category_id": category,
                "bbox": corner,
                "area": corner[2] * corner[3],
                "iscrowd": 0,
            }
            for index, (image, category, corner) in enumerate(boxes, start=1)
        ],
    }
    path.write_text(json.dumps(content))
    return CocoAnnotations(path)


def test_precision_is_cocos(annotations):
    right = {
        "1.jpg": [box(0, 0, 0, 50, 40), box(1, 60, 60, 90, 90)],
        "2.jpg": [box(0, 5, 5, 25, 25)],
    }
    perfect = annotations.mean_precision(right, n_resamples=20)
    assert (perfect.value, perfect.low, perfect.high, perfect.n) == (1, 1, 1, 2)
    # One class is right, the other is missed altogether.
    half = annotations.mean_precision(right | {"1.jpg": right["1.jpg"][:1]}, n_resamples=20)
    assert half.value == pytest.approx(0.5)
    assert half.low <= half.value <= half.high
    # Boxes that overlap by 0.8 count for seven of the ten thresholds.
    moved = {"1.jpg": [box(0, 0, 0, 50, 32), box(1, 60, 60, 90, 90)], "2.jpg": right["2.jpg"]}
    assert 0.5 < annotations.mean_precision(moved, n_resamples=5).value < 1
    assert annotations.mean_precision({"1.jpg": [], "2.jpg": []}).value == 0


def test_pictures_without_annotations_are_refused(annotations, tmp_path):
    with pytest.raises(ConfigError, match=r"1 of 1 images are not annotated \(7\.jpg\)"):
        annotations.mean_precision({"7.jpg": []})
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ConfigError, match="no annotations in COCO's format"):
        CocoAnnotations(tmp_path / "other.json")


@pytest.fixture
def cache_dir():
    return folder_with(EFFICIENTNET_LITE0, YOLOX_NANO)


def test_tasks_agree_with_themselves_and_less_with_noise(cache_dir, picture):
    clean = to_tensor(picture)
    noisy = clean + 0.3 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for make in (Classification, Tagging, FeatureDeviation):
        task = make(cache_dir)
        seen = task.see(clean)
        same = task.agreement(seen, task.see(clean))
        other = task.agreement(seen, task.see(noisy.clamp(0, 1)))
        assert set(same) <= set(TASK_METRICS)
        for key, value in same.items():
            assert value == (1 if TASK_METRICS[key].is_higher_better else 0)
        assert any(other[key] != same[key] for key in same)
    assert len(same) == N_FEATURE_STAGES
