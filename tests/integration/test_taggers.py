"""The classifier, the detector, and the tags that come of both."""

from pathlib import Path

import numpy as np
import pytest
import torch

from difficmh_core.errors import CheckpointError, ConfigError, ImageError
from difficmh_core.tagging import detector as detector_module
from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.tagging.detector import Detection, Detector
from difficmh_core.tagging.nano import NanoTagger, TaggerSettings
from difficmh_core.tagging.vocabulary import coco_names
from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO
from difficmh_core.weights.recognition import load_classifier, load_detector, load_tagger
from tests.cached_weights import folder_with


@pytest.fixture(scope="module")
def cache_dir() -> Path:
    return folder_with(EFFICIENTNET_LITE0, YOLOX_NANO)


@pytest.fixture
def picture() -> torch.Tensor:
    """A smooth picture, the same at every call."""
    row = torch.linspace(0, 1, 96)[:, None].expand(96, 128)
    column = torch.linspace(0, 1, 128)[None, :].expand(96, 128)
    return torch.stack([row, column, 1 - row])[None].contiguous()


class StubClassifier(EfficientNetLite0):
    """Reports fixed probabilities instead of looking."""

    def __init__(self, probabilities: dict[int, float]) -> None:
        super().__init__()
        self.given = probabilities

    def probabilities(self, image):
        values = torch.zeros(len(image), 1000)
        for index, value in self.given.items():
            values[:, index] = value
        return values


class StubDetector(Detector):
    """Reports fixed detections instead of looking."""

    def __init__(self, scores: list[tuple[str, float]]) -> None:
        self.given = scores

    def __call__(self, image, *, min_score=0.25, max_overlap=0.45):
        return [
            Detection(
                label_id=coco_names().index(label),
                label=label,
                score=score,
                box_xyxy_px=(0.0, 0.0, 1.0, 1.0),
            )
            for label, score in self.given
            if score >= min_score
        ]


def tags_of(tagger: NanoTagger, picture: torch.Tensor) -> list[tuple[str, float]]:
    return [(tag.name, round(tag.confidence, 4)) for tag in tagger(picture)]


def test_tags_are_sorted_thresholded_and_merged(picture):
    classifier = StubClassifier({954: 0.5, 1: 0.2, 2: 0.1})  # banana, goldfish, below threshold
    things = StubDetector([("person", 0.9), ("person", 0.4), ("banana", 0.7), ("dog", 0.3)])
    tagger = NanoTagger(classifier, things)
    assert tags_of(tagger, picture) == [("person", 0.9), ("banana", 0.7), ("goldfish", 0.2)]


def test_equal_confidences_are_sorted_by_number(picture):
    tagger = NanoTagger(StubClassifier({5: 0.25, 3: 0.25}), StubDetector([]))
    assert [tag.id for tag in tagger(picture)] == [3, 5]


def test_at_most_max_tags_are_kept(picture):
    tagger = NanoTagger(
        StubClassifier({}),
        StubDetector([(name, 0.5 + 0.01 * i) for i, name in enumerate(coco_names()[:20])]),
        TaggerSettings(max_tags=8),
    )
    assert len(tagger(picture)) == 8
    assert tagger(picture)[0].confidence == pytest.approx(0.69)


@pytest.mark.parametrize(
    "wrong", [{"min_probability": -0.1}, {"min_score": 1.1}, {"max_tags": 65}, {"max_tags": -1}]
)
def test_settings_outside_their_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TaggerSettings(**wrong)


def test_a_batch_of_two_is_refused(picture):
    tagger = NanoTagger(StubClassifier({}), StubDetector([]))
    with pytest.raises(ImageError, match="one image at a time"):
        tagger(torch.cat([picture, picture]))


def test_probabilities_make_one_at_any_size():
    classifier = EfficientNetLite0().eval()
    for size in ((1, 1), (30, 500), (225, 224)):
        with torch.no_grad():
            probabilities = classifier.probabilities(torch.rand(1, 3, *size))
        assert probabilities.sum().item() == pytest.approx(1.0, abs=1e-5)


def test_overlapping_boxes_of_one_class_are_dropped_and_of_two_kept():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], dtype=np.float32)
    scores = np.array([0.5, 0.9, 0.7], dtype=np.float32)
    same, other = np.array([4, 4, 4]), np.array([4, 5, 4])
    drop = detector_module._without_overlaps
    assert drop(boxes, scores, same, 0.45).tolist() == [1, 2]
    assert drop(boxes, scores, other, 0.45).tolist() == [1, 2, 0]
    assert drop(boxes[:0], scores[:0], same[:0], 0.45).tolist() == []


def test_boxes_are_decoded_at_their_cell():
    answer = np.zeros((3549, 85), dtype=np.float32)
    answer[52 + 2, :4] = (0.5, 0.25, 0.0, np.log(2.0))  # stride 8, row 1, column 2
    box = detector_module._decoded_boxes(answer)[52 + 2]
    assert box.tolist() == pytest.approx([20 - 4, 10 - 8, 20 + 4, 10 + 8])


def test_the_picture_lies_in_the_corner_of_a_gray_square_blue_first():
    red = torch.zeros(1, 3, 100, 200)
    red[:, 0] = 1.0
    square, scale = detector_module._letterbox(red)
    assert scale == pytest.approx(2.08)
    assert square[0, :, 0, 0].tolist() == pytest.approx([0.0, 0.0, 255.0], abs=1e-3)
    assert np.all(square[:, :, 208:] == 114.0)


def test_a_damaged_network_file_is_refused(tmp_path):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "yolox-nano.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        Detector(path)


@pytest.mark.weights
def test_real_networks_give_the_same_tags_twice(cache_dir, picture):
    first, second = load_tagger(cache_dir)(picture), load_tagger(cache_dir)(picture)
    assert first == second


@pytest.mark.weights
def test_the_real_classifier_agrees_with_a_known_answer(cache_dir, picture):
    logits = load_classifier(cache_dir)(picture[:, :, :96, :96])
    assert logits.argmax().item() == 470  # "candle"
    assert logits.max().item() == pytest.approx(7.13298, abs=1e-3)


@pytest.mark.weights
def test_the_real_detector_keeps_boxes_inside_the_picture(cache_dir):
    noise = torch.rand(1, 3, 333, 517, generator=torch.Generator().manual_seed(7))
    things = load_detector(cache_dir)(noise, min_score=0.01)
    assert things == sorted(things, key=lambda thing: -thing.score)
    for thing in things:
        left, top, right, bottom = thing.box_xyxy_px
        assert 0 <= left <= right <= 517
        assert 0 <= top <= bottom <= 333
        assert thing.label == coco_names()[thing.label_id]
