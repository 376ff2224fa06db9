"""Photographs of a talk with chosen numbers, made without any codec."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from difficmh_core.evaluation.comparison import Row
from difficmh_core.tagging.detector import Detection
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.present.photographs import Presented
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.boxes import compare_boxes
from difficmh_core.vision.letters import compare_text

SIZE = (120, 80)
OURS = {"psnr_db": 22.0, "lpips_alex": 0.15, "dists": 0.14}
OTHERS = {
    "content": {"psnr_db": 22.1, "lpips_alex": 0.151, "dists": 0.15},
    "vvc": {"psnr_db": 25.0, "lpips_alex": 0.3, "dists": 0.2},
    "jpeg": {"psnr_db": 20.0, "lpips_alex": 0.6, "dists": 0.4},
}


def box(label: str, left=10.0, top=10.0, right=50.0, bottom=70.0) -> Detection:
    return Detection(label_id=1, label=label, score=0.99, box_xyxy_px=(left, top, right, bottom))


def presented(
    name="boat",
    *,
    ours: Mapping[str, float] = OURS,
    others: Mapping[str, Mapping[str, float]] = OTHERS,
    objects: tuple[Sequence[Detection], Sequence[Detection]] | None = ((), ()),
    text: tuple[Sequence[Detection], Sequence[Detection]] | None = None,
    n_bytes=500,
) -> Presented:
    """A photograph; objects and text are those of the original and of the decoded one."""
    width, height = SIZE
    rng = np.random.default_rng(len(name))
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3)
    files = {}
    for key, values in {"ours": ours, **others}.items():
        noisy = (ramp + rng.normal(0, 20, ramp.shape)).clip(0, 255).astype(np.uint8)
        is_large = key == "jpeg"
        row = Row(
            picture=name,
            codec=key,
            name=key,
            version="1",
            target_bytes=n_bytes,
            target_bpp=0.1,
            n_bytes=3 * n_bytes if is_large else n_bytes,
            bpp=0.1,
            fits=not is_large,
            values=dict(values),
        )
        files[key] = Measured(
            key=key,
            row=row,
            png=_png(noisy),
            boxes=None if objects is None else compare_boxes(*objects),
            text=None if text is None else compare_text(*text),
        )
    photo = Photo(
        path="",
        digest=name,
        name=name,
        upload_bytes=20_000,
        upload_format="PNG",
        size_px=(height, width),
    )
    pixels = ramp.astype(np.uint8)
    return Presented(photo=photo, image=Image.fromarray(pixels), png=_png(pixels), files=files)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
