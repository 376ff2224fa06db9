"""YOLOX-Nano: where the things of COCO's 80 classes are, as boxes.

The network sees a square of 416 px and answers at three strides; each cell names one box::

    center = (cell + offset) * stride      size = exp(log_size) * stride      [px of the square]
    score  = objectness * class score        (both already in 0 to 1)

References:
    Ge, Liu, Wang, Li, Sun: YOLOX, 2021, https://arxiv.org/abs/2107.08430
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.shapes import Image01
from difficmh_core.tagging.tags import refuse_batch
from difficmh_core.tagging.vocabulary import coco_names

if TYPE_CHECKING:
    import onnxruntime


INPUT_SIZE_PX = 416
"""Side of the square that the network sees [px]."""
STRIDES_PX = (8, 16, 32)
"""Distance of neighboring cells, in the order of the network's answers [px]."""

_PAD_VALUE = 114.0
"""What fills the square beside the picture, in 0 to 255, as in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One thing in a picture.

    Attributes:
        label_id: COCO's class, 0 to 79, without the gaps of COCO's own numbers.
        label: The name of the class.
        score: Confidence, 0 to 1.
        box_xyxy_px: Left, top, right and bottom edge in the original picture [px].
    """

    label_id: int
    label: str
    score: float
    box_xyxy_px: tuple[float, float, float, float]


class Detector:
    """YOLOX-Nano, run by ONNX Runtime on the CPU.

    Raises:
        BackendUnavailableError: If ONNX Runtime is not installed.
        CheckpointError: If the file, whose SHA-256 the caller has checked, is no ONNX network.
    """

    def __init__(self, path: Path) -> None:
        self._session = _open_session(path)
        self._input_name: str = self._session.get_inputs()[0].name
        self._labels = coco_names()

    def __call__(
        self, image: Image01, *, min_score: float = 0.25, max_overlap: float = 0.45
    ) -> list[Detection]:
        """Detect what is in a picture, by falling score.

        Args:
            image: One RGB picture in [0, 1], of any size.
            min_score: Least score to report, 0 to 1.
            max_overlap: Of two boxes of one class whose intersection over union is larger, the
                one with the lower score is dropped.

        Raises:
            ImageError: If the batch does not hold exactly one picture.
        """
        refuse_batch(image, "detector")
        height_px, width_px = image.shape[2:]
        square, scale = _letterbox(image)
        (answer,) = self._session.run(None, {self._input_name: square})
        boxes = _decoded_boxes(answer[0]) / scale
        limit = np.array([width_px, height_px, width_px, height_px], dtype=np.float32)
        boxes = np.clip(boxes, 0.0, limit)
        scores = answer[0][:, 4:5] * answer[0][:, 5:]
        labels = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), labels]
        chosen = np.flatnonzero(best >= min_score)
        kept = _without_overlaps(boxes[chosen], best[chosen], labels[chosen], max_overlap)
        return [
            Detection(
                label_id=int(labels[i]),
                label=self._labels[labels[i]],
                score=min(float(best[i]), 1.0),
                box_xyxy_px=tuple(boxes[i].tolist()),
            )
            for i in chosen[kept]
        ]


def _open_session(path: Path) -> "onnxruntime.InferenceSession":
    # Read when onnxruntime is first imported: otherwise it reports to its maker over the network.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailableError(
            "The detector needs the package onnxruntime, which is not installed. "
            "Run `pip install onnxruntime`; everything but automatic tags works without it."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # 50 ms; more threads lose time on a busy machine
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except (errors.Fail, errors.InvalidProtobuf, errors.InvalidGraph, errors.NoSuchFile) as error:
        raise CheckpointError(
            f"The detector {path} cannot be loaded ({error}). "
            "Delete the file and run `python -m difficmh_core fetch`."
        ) from error


def _letterbox(image: Image01) -> tuple[NDArray[np.float32], float]:
    """Return the square that the network sees, and the scale of the picture in it.

    The square holds BGR in 0 to 255, the picture in its upper left corner.
    """
    height_px, width_px = image.shape[2:]
    scale = min(INPUT_SIZE_PX / height_px, INPUT_SIZE_PX / width_px)
    size = max(int(height_px * scale), 1), max(int(width_px * scale), 1)
    scaled = functional.interpolate(
        image.float(), size, mode="bilinear", antialias=True, align_corners=False
    )
    square = torch.full((1, 3, INPUT_SIZE_PX, INPUT_SIZE_PX), _PAD_VALUE)
    square[:, :, : size[0], : size[1]] = scaled.flip(1).cpu() * 255.0
    return square.numpy(), scale


def _decoded_boxes(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the box of each cell as left, top, right and bottom edge [px of the square]."""
    cells, strides = [], []
    for stride in STRIDES_PX:
        n = INPUT_SIZE_PX // stride
        rows, columns = np.mgrid[:n, :n]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((n * n, 1), stride))
    stride_px = np.concatenate(strides).astype(np.float32)
    center = (np.concatenate(cells).astype(np.float32) + answer[:, 0:2]) * stride_px
    half = 0.5 * np.exp(answer[:, 2:4]) * stride_px
    return np.concatenate([center - half, center + half], axis=1)


def _without_overlaps(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    max_overlap: float,
) -> NDArray[np.int64]:
    """Return the indexes of the boxes to keep, by falling score (greedy, class by class)."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(first)
        corner = np.maximum(boxes[first, :2], boxes[rest, :2])
        sides = np.minimum(boxes[first, 2:], boxes[rest, 2:]) - corner
        shared = np.prod(np.clip(sides, 0.0, None), axis=1)
        union = areas[first] + areas[rest] - shared
        is_same_class = labels[rest] == labels[first]
        order = rest[~(is_same_class & (shared > max_overlap * union))]
    return np.array(kept, dtype=np.int64)
