"""Reading the text in a picture, line by line.

A generative decoder may write other letters than were there, and make them look right. Text is
therefore read in both pictures, and compared by :mod:`difficmh_core.vision.letters`.

References:
    PP-OCRv6, small: https://github.com/PaddlePaddle/PaddleOCR, run by the package rapidocr,
    https://github.com/RapidAI/RapidOCR (both Apache-2.0; its wheel holds the networks)
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
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
from difficmh_core.weights.cards import sha256_of

_NETWORKS = MappingProxyType(
    {
        "PP-OCRv6_det_small.onnx": (
            "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
        ),
        "PP-OCRv6_rec_small.onnx": (
            "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
        ),
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx": (
            "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"
        ),
    }
)
"""What finds lines, reads them, and turns those that stand on their heads; SHA-256 of each."""


class TextReading(PackagedTask[Callable[..., Any]]):
    """Letters kept, changed and invented (PP-OCRv6)."""

    key = "text"
    name = "text (PP-OCRv6, small)"

    @staticmethod
    def load(cache_dir: Path) -> Callable[..., Any]:
        """The reader; its networks lie in its package.

        Raises:
            BackendUnavailableError: If the package is absent, or holds other networks than those
                that published numbers were measured with.
        """
        try:
            import rapidocr
        except ImportError as error:
            raise BackendUnavailableError(
                "Reading text needs the package rapidocr, which is not installed. Run `pip "
                "install rapidocr`; all other tasks work without it."
            ) from error
        folder = Path(rapidocr.__file__).parent / "models"
        for name, expected in _NETWORKS.items():
            found = sha256_of(folder / name) if (folder / name).exists() else "absent"
            if found != expected:
                raise BackendUnavailableError(
                    f"The package rapidocr holds another {name} (SHA-256 {found[:16]}, expected "
                    f"{expected[:16]}), which would read other letters. Run `pip install "
                    "rapidocr==3.10.0`; all other tasks work without it."
                )
        reader: Callable[..., Any] = rapidocr.RapidOCR(params={"Global.log_level": "error"})
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
