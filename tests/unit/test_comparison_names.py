"""The names that command lines offer, which need no torch, are those of the tables."""

from difficmh_core.config.comparison import (
    DEFAULT_METRICS,
    METRIC_NAMES,
    SET_METRIC_NAMES,
    TASK_NAMES,
)
from difficmh_core.config.experiments import EXPERIMENT_NAMES
from difficmh_core.evaluation.experiments import EXPERIMENTS
from difficmh_core.quality.metrics import PICTURE_METRICS
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision.task_table import TASKS


def test_names_are_the_keys_of_the_tables():
    assert tuple(PICTURE_METRICS) == METRIC_NAMES
    assert set(DEFAULT_METRICS) < set(METRIC_NAMES)
    assert tuple(TASKS) == TASK_NAMES
    assert tuple(SET_METRICS) == SET_METRIC_NAMES
    assert tuple(EXPERIMENTS) == EXPERIMENT_NAMES
