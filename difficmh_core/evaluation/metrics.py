"""Every metric of an evaluation, by its key: of quality, of machines, of sets of pictures."""

from collections.abc import Mapping
from types import MappingProxyType

from difficmh_core.quality.metric import Metric
from difficmh_core.quality.metrics import PICTURE_METRICS, picture_metric
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision import task_metrics

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        **PICTURE_METRICS,
        **task_metrics.TASK_METRICS,
        **SET_METRICS,
        task_metrics.COCO_MAP.key: task_metrics.COCO_MAP,
    }
)
"""In the order in which tables show them; pyiqa's have their place behind these."""


def metric_of(key: str) -> Metric:
    """Look a metric up, one of pyiqa's too; errors as :func:`picture_metric`."""
    return METRICS[key] if key in METRICS else picture_metric(key)
