"""All metrics of one decoded picture: quality, and what machines make of it."""

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from difficmh_core.config.comparison import DEFAULT_METRICS, DEFAULT_TASKS
from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ImageError,
)
from difficmh_core.image_io import to_tensor
from difficmh_core.quality.metric import unknown_name
from difficmh_core.quality.metrics import QualityMeter, picture_metric
from difficmh_core.shapes import Image01
from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.boxes import BoxAgreement, compare_boxes
from difficmh_core.vision.letters import TextAgreement, compare_text
from difficmh_core.vision.task_table import TASKS
from difficmh_core.vision.tasks import DetectionTask, MachineTask
from difficmh_core.vision.text import TextReading

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """A picture and what networks make of it.

    Attributes:
        pixels: RGB in [0, 1].
        answers: Each task's answer, by its key.
    """

    pixels: Image01
    answers: Mapping[str, Any]


class Evaluator:
    """Takes every metric that the fetched weights allow; networks are loaded when needed."""

    def __init__(
        self,
        cache_dir: Path,
        metrics: Sequence[str] = DEFAULT_METRICS,
        tasks: Sequence[str] = DEFAULT_TASKS,
    ) -> None:
        """Choose metrics and tasks.

        Args:
            cache_dir: Where fetched weights lie.
            metrics: Which metrics, as :func:`picture_metric` knows them.
            tasks: Which of :data:`~difficmh_core.vision.task_table.TASKS`.

        Raises:
            ConfigError: If there is no such metric or task.
        """
        self._meter = QualityMeter(cache_dir)
        self._metrics = {key: picture_metric(key) for key in metrics}
        for key in tasks:
            if key not in TASKS:
                raise unknown_name("task", key, TASKS)
        self._cache_dir, self._task_keys = cache_dir, tasks
        self._absent = dict[str, str]()

    @cached_property
    def _tasks(self) -> Mapping[str, MachineTask]:
        found = dict[str, MachineTask]()
        for key in self._task_keys:
            try:
                found[key] = TASKS[key](self._cache_dir)
            except (BackendUnavailableError, CheckpointError) as error:
                self._absent[key] = str(error)
        return found

    @property
    def absent(self) -> dict[str, str]:
        """Why a metric or task is left out, by its key."""
        _ = self._tasks  # only loading tells
        return self._absent

    def features(self, image: Image.Image, *, without: Container[str] = ()) -> Features:
        """Return a picture with each task's answer.

        A task that cannot see a picture of this shape is left out; :attr:`absent` then says why.

        Args:
            image: The picture.
            without: Tasks that are not asked; :meth:`measure` then leaves them out.
        """
        tasks = self._tasks
        pixels, answers = to_tensor(image), dict[str, Any]()
        with torch.inference_mode():
            for key, task in tasks.items():
                if key in without:
                    continue
                try:
                    answers[key] = task.see(pixels)
                except ImageError as error:
                    self.absent[key] = str(error)
        return Features(pixels=pixels, answers=answers)

    @torch.inference_mode()
    def measure(self, original: Features, decoded: Features) -> dict[str, float]:
        """Return every metric of a decoded picture, by its key.

        A metric that is not defined for such a picture is left out, and so is one whose
        weights are absent, or whose task could not see a picture; :attr:`absent` then says why.

        Raises:
            ImageError: If the pictures differ in size.
        """
        pixels = decoded.pixels
        if pixels.shape != original.pixels.shape:
            raise ImageError(
                f"The decoded image has {pixels.shape[3]} x {pixels.shape[2]} px, the original "
                f"{original.pixels.shape[3]} x {original.pixels.shape[2]}."
            )
        values = dict[str, float]()
        for key, metric in self._metrics.items():
            if min(pixels.shape[2:]) < metric.min_side_px or key in self.absent:
                continue
            try:
                values[key] = self._meter.measure(key, original.pixels, pixels).item()
            except (BackendUnavailableError, CheckpointError) as error:
                self.absent[key] = str(error)
            except ImageError as error:
                _logger.info("%s", error)  # not defined for this picture; it may be for others
        for key, task in self._tasks.items():
            if key in original.answers and key in decoded.answers:
                values |= task.agreement(original.answers[key], decoded.answers[key])
        return {key: value for key, value in values.items() if not isnan(value)}

    def all_boxes(self, features: Features) -> list[Detection]:
        """Return nearly all boxes of a picture, for COCO's precision; none without a detector."""
        task = self._tasks.get(DetectionTask.key)
        return task.all_boxes(features.pixels) if isinstance(task, DetectionTask) else []

    def boxes(self, original: Features, decoded: Features) -> BoxAgreement | None:
        """Return the boxes of a decoded picture against the original's, for overlays."""
        if DetectionTask.key not in self._tasks:
            return None
        return compare_boxes(*(both.answers[DetectionTask.key] for both in (original, decoded)))

    def text(self, original: Features, decoded: Features) -> TextAgreement | None:
        """Return the text of a decoded picture against the original's, for overlays."""
        if TextReading.key not in self._tasks:
            return None
        return compare_text(*(both.answers[TextReading.key] for both in (original, decoded)))
