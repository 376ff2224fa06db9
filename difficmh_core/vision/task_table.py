"""The table of all machine tasks: five on packaged networks, eight through transformers.

A task is made from the cache folder. Where its weights are absent it raises
BackendUnavailableError, with the command that gets them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from difficmh_core.vision.captions import Captioning
from difficmh_core.vision.depth import DepthEstimation
from difficmh_core.vision.pose import PoseEstimation
from difficmh_core.vision.retrieval import Retrieval
from difficmh_core.vision.segmentation import (
    InstanceSegmentation,
    OpenVocabularySegmentation,
    PanopticSegmentation,
    SemanticSegmentation,
)
from difficmh_core.vision.tasks import (
    Classification,
    DetectionTask,
    FeatureDeviation,
    MachineTask,
    Tagging,
)
from difficmh_core.vision.text import TextReading

_TASKS = (
    DetectionTask,
    Classification,
    Tagging,
    FeatureDeviation,
    InstanceSegmentation,
    PanopticSegmentation,
    SemanticSegmentation,
    OpenVocabularySegmentation,
    Retrieval,
    DepthEstimation,
    PoseEstimation,
    Captioning,
    TextReading,
)

TASKS: Mapping[str, Callable[[Path], MachineTask]] = MappingProxyType(
    {task.key: task for task in _TASKS}
)
"""Every machine task, by its key."""
