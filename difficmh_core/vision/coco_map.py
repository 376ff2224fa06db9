"""COCO's mean average precision of a detector on annotated pictures, with its interval.

References:
    Lin et al.: Microsoft COCO, ECCV 2014, https://arxiv.org/abs/1405.0312; pycocotools computes
    the official metric: mean over classes and over overlaps of 0.50, 0.55 … 0.95.
"""

import contextlib
import copy
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from difficmh_core.errors import ConfigError
from difficmh_core.tagging.detector import Detection

_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPrecision:
    """Mean average precision with its 95 % bootstrap interval over pictures.

    Attributes:
        value: From all pictures, 0 to 1.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of pictures.
        draws: The value of each draw of the bootstrap; draws of equal sets of pictures are the
            same pictures.
    """

    value: float
    low: float
    high: float
    n: int
    draws: tuple[float, ...]

    def to_json(self) -> dict[str, float]:
        """Return value, interval and number of pictures as JSON takes them."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


class CocoAnnotations:
    """The annotated boxes of a set of pictures, in COCO's format."""

    def __init__(self, path: Path) -> None:
        """Read the annotations.

        Args:
            path: ``instances.json``.

        Raises:
            ConfigError: If the file is none.
        """
        from pycocotools.coco import COCO

        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            self._ids = {entry["file_name"]: entry["id"] for entry in data["images"]}
            self._categories = {entry["name"]: entry["id"] for entry in data["categories"]}
            data.setdefault("info", {})
            with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
                self._truth = COCO()
                self._truth.dataset = data
                self._truth.createIndex()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path} holds no annotations in COCO's format ({error!r}). Name a file like "
                "COCO's instances_val2017.json."
            ) from error

    def __contains__(self, name: object) -> bool:
        """Say whether a picture of this file name is annotated."""
        return name in self._ids

    def mean_precision(
        self,
        detections: Mapping[str, Sequence[Detection]],
        *,
        n_resamples: int = 200,
    ) -> MeanPrecision:
        """Return the mean average precision of boxes on annotated pictures.

        Args:
            detections: All boxes of each picture, by its file name.
            n_resamples: Draws of the bootstrap.

        Raises:
            ConfigError: If a picture is not annotated, or there is none.
        """
        unknown = [name for name in detections if name not in self._ids]
        if unknown or not detections:
            raise ConfigError(
                f"{len(unknown)} of {len(detections)} images are not annotated"
                f"{f' ({unknown[0]})' if unknown else ''}. Take images of the annotated set."
            )
        chosen = [self._ids[name] for name in detections]
        found = [
            {
                "image_id": self._ids[name],
                "category_id": self._categories[box.label],
                "bbox": _corner_and_size(box),
                "score": box.score,
            }
            for name, boxes in detections.items()
            for box in boxes
            if box.label in self._categories
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            return self._evaluate(chosen, found, n_resamples)

    def _evaluate(
        self, chosen: list[int], found: list[dict[str, Any]], n_resamples: int
    ) -> MeanPrecision:
        from pycocotools.cocoeval import COCOeval

        if not found:
            none = (0.0,) * n_resamples
            return MeanPrecision(value=0.0, low=0.0, high=0.0, n=len(chosen), draws=none)
        evaluation = COCOeval(self._truth, self._truth.loadRes(copy.deepcopy(found)), "bbox")
        evaluation.params.imgIds = sorted(chosen)
        evaluation.params.areaRng = [evaluation.params.areaRng[0]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [evaluation.params.maxDets[-1]]
        evaluation.evaluate()
        n, by_category = len(chosen), evaluation.evalImgs
        value = _accumulated(evaluation, by_category, range(n), n)
        random = np.random.default_rng(0)
        drawn = [
            _accumulated(evaluation, by_category, random.integers(0, n, n), n)
            for _ in range(n_resamples)
        ]
        low, high = np.percentile(drawn, _INTERVAL)
        return MeanPrecision(
            value=value, low=float(low), high=float(high), n=n, draws=tuple(drawn)
        )


def _accumulated(evaluation: Any, by_category: list[Any], drawn: Any, n: int) -> float:  # noqa: ANN401
    """Return the mean average precision of drawn pictures, some of them more than once."""
    starts = range(0, len(by_category), n)
    evaluation.evalImgs = [by_category[start + int(index)] for start in starts for index in drawn]
    evaluation.params.imgIds = list(range(n))
    evaluation._paramsEval.imgIds = list(range(n))
    evaluation.accumulate()
    precision = evaluation.eval["precision"]
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def _corner_and_size(box: Detection) -> list[float]:
    left, top, right, bottom = box.box_xyxy_px
    return [left, top, right - left, bottom - top]
