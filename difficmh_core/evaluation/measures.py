"""Every measure of an evaluation, by its key: of quality, of machines, of sets of pictures."""

from collections.abc import Mapping
from types import MappingProxyType

from difficmh_core.quality.measure import Measure
from difficmh_core.quality.metrics import METRICS, metric_of
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision import measures as machines

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        **METRICS,
        **machines.MEASURES,
        **SET_METRICS,
        machines.COCO_MAP.key: machines.COCO_MAP,
    }
)
"""In the order in which tables show them; pyiqa's have their place behind these."""


def measure_of(key: str) -> Measure:
    """Look a measure up, one of pyiqa's too; errors as :func:`metric_of`."""
    return MEASURES[key] if key in MEASURES else metric_of(key)
