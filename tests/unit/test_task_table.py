"""The table of machine tasks, and the evaluator that asks them by name."""

import pytest

from difficmh_core.config.comparison import COLOR_METRICS, DEFAULT_TASKS
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.metrics import METRICS, metric_of
from difficmh_core.quality.metric import Group
from difficmh_core.quality.metrics import PICTURE_METRICS
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision import pretrained
from difficmh_core.vision.task_table import TASKS
from difficmh_core.weights.task_models import TASK_MODELS
from tests.tiny_task_models import fetched, tiny_model

NAMES = ("semantic", "depth")


def test_the_table_holds_what_the_defaults_and_the_hub_offer():
    assert DEFAULT_TASKS == ("detection", "classification", "tags", "features")
    assert set(TASKS) == {*DEFAULT_TASKS, *TASK_MODELS, "text"}
    assert len(TASKS) == 13
    for model in TASK_MODELS.values():
        assert len(model.revision) == 40
        assert model.cards[-1].path == "model.safetensors"
        assert not any(name.endswith((".bin", ".pt", ".pth", ".py")) for name in model.files)


def test_every_measure_has_a_direction_and_a_label():
    for key, metric in METRICS.items():
        assert metric.key == key
        unit = f" [{metric.unit}]" if metric.unit else ""
        arrow = "↑" if metric.is_higher_better else "↓"
        assert metric_of(key).label == f"{metric.name}{unit} {arrow}"
        assert metric.heading.endswith(arrow)
        assert metric.lowest < metric.highest
        for count in metric.pooling.counts if metric.pooling else ():
            assert METRICS[count].group is Group.COUNTS
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)


def test_measures_are_declared_once_and_grouped():
    def keys(*groups):
        return {key for key, metric in METRICS.items() if metric.group in groups}

    assert keys(Group.DISTORTION) == {"psnr_db", "ms_ssim", "ssimulacra2"}
    assert keys(Group.COLOR) == set(COLOR_METRICS)
    assert keys(Group.DISTORTION, Group.PERCEPTION, Group.COLOR) == set(PICTURE_METRICS)
    assert keys(Group.SETS) == set(SET_METRICS)
    assert keys(Group.ANNOTATIONS) == {"coco_map"}
    assert metric_of("psnr_db").text(24.096) == "24.10"
    assert metric_of("js_bits").heading == "JS ↓"
    assert metric_of("fsim").group is Group.DISTORTION  # a formula of pyiqa's
    assert metric_of("musiq").group is Group.PERCEPTION


def test_an_evaluator_names_the_tasks_whose_weights_are_absent(tmp_path):
    evaluator = Evaluator(tmp_path, metrics=(), tasks=tuple(TASK_MODELS))
    assert list(evaluator.absent) == list(TASK_MODELS)
    for key, reason in evaluator.absent.items():
        assert f"python -m difficmh_core fetch tasks {key}`" in reason
    with pytest.raises(ConfigError, match=r"no task 'smell'\. Choose from detection, "):
        Evaluator(tmp_path, metrics=(), tasks=("smell",))


def test_an_evaluator_asks_the_tasks_that_it_is_told(tmp_path, picture, monkeypatch):
    monkeypatch.setattr(pretrained, "TASK_MODELS", {name: tiny_model(name) for name in NAMES})
    for name in NAMES:
        fetched(name, tmp_path)
    evaluator = Evaluator(tmp_path, metrics=(), tasks=NAMES)
    features = evaluator.features(picture)
    assert evaluator.absent == {}
    values = evaluator.measure(features, features)
    assert set(values) == {
        *("semantic_miou", "semantic_accuracy", "depth_absrel", "depth_delta1"),
    }
    # A sliver that one network cannot see leaves that task out, and nothing else.
    sliver = evaluator.features(picture.resize((2000, 1)))
    assert "cannot see an image of 2000 x 1 px" in evaluator.absent["depth"]
    assert set(evaluator.measure(sliver, sliver)) == {"semantic_miou", "semantic_accuracy"}
