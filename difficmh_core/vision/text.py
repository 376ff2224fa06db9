"""Reading the text in a picture, line by line.

A generative decoder may write other letters than were there, and make them look right. Text is
therefore read in both pictures, and compared by :mod:`difficmh_core.vision.letters`.

References:
    PP-OCRv6, small: https://github.com/PaddlePaddle/PaddleOCR, run by the package rapidocr,
    https://github.com/RapidAI/RapidOCR (both Apache-2.0; its wheel holds the networks)
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.image_io import to_image
from difficmh_core.shapes import Image01
from difficmh_core.tagging.detector import Detection
from difficmh_core.tagging.tags import refuse_batch
from difficmh_core.vision.letters import compare_text
from difficmh_core.vision.task_metrics import TEXT_COUNTS
from difficmh_core.vision.tasks import PackagedTask


class TextReading(PackagedTask[Callable[..., Any]]):
    """Letters kept, changed and invented (PP-OCRv6)."""

    key = "text"
    name = "text (PP-OCRv6, small)"

    @staticmethod
    def load(cache_dir: Path) -> Callable[..., Any]:
        """The reader; its networks lie in its package.

        Raises:
            BackendUnavailableError: If the package is absent.
        """
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise BackendUnavailableError(
                "Reading text needs the package rapidocr, which is not installed. Run `pip "
                "install rapidocr`; all other tasks work without it."
            ) from error
        reader: Callable[..., Any] = RapidOCR(params={"Global.log_level": "error"})
        return reader

    def see(self, image: Image01) -> list[Detection]:
        """Return the lines of a picture, each with its text as the label."""
        refuse_batch(image, "reader")
        pixels = np.asarray(to_image(image))[:, :, ::-1]  # BGR, as the reader takes arrays
        answer = self._network(pixels)
        if answer.txts is None:
            return []
        lines = []
        for text, score, corners in zip(answer.txts, answer.scores, answer.boxes, strict=True):
            left, top = corners.min(axis=0)
            right, bottom = corners.max(axis=0)
            box = float(left), float(top), float(right), float(bottom)
            lines.append(Detection(label_id=0, label=text, score=float(score), box_xyxy_px=box))
        return lines

    def agreement(
        self, original: list[Detection], decoded: list[Detection]
    ) -> Mapping[str, float]:
        """Return the numbers of letters and, if the original has any, the share that is kept."""
        found = compare_text(original, decoded)
        kept = {} if found.kept is None else {"text_kept": found.kept}
        return {**kept, **dict(zip(TEXT_COUNTS, found.counts, strict=True))}
