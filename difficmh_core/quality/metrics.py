"""The table of all metrics of quality, and the meter that takes them.

Every metric compares a decoded picture with its original, both RGB in [0, 1] at original size.
Where it was published stands in the module that computes it.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.errors import ImageError
from difficmh_core.quality.color import (
    BLOCK_SIDE_PX,
    color_shift,
    mean_block_error,
    saturation_change_percent,
    worst_block_error,
)
from difficmh_core.quality.distortion import MS_SSIM_MIN_SIDE_PX, ms_ssim, psnr_db
from difficmh_core.quality.dists import structure_texture_distance
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.quality.metric import Group, PairFunction, PictureMetric
from difficmh_core.quality.pyiqa_metrics import pyiqa_metric
from difficmh_core.quality.ssimulacra2 import load_ssimulacra2
from difficmh_core.quality.trunks import TrunkDistance
from difficmh_core.shapes import Image01

_MAX_KEPT_PIXELS = 1 << 21
"""Features of larger originals are computed anew each time: they take about 1 kB a pixel."""


def _load(make: Callable[[Path], TrunkDistance], cache_dir: Path) -> TrunkDistance:
    network = make(cache_dir)
    # Convolutions are a quarter faster so, measured on two CPU cores.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _color(key: str, name: str, compute: PairFunction, **changes: Any) -> PictureMetric:  # noqa: ANN401
    """Return an error of colors."""
    usual: dict[str, Any] = {
        "group": Group.COLOR,
        "unit": "of 255",
        "is_higher_better": False,
        "digits": 1,
        "highest": 255.0,
        "min_side_px": BLOCK_SIDE_PX,
    }
    return PictureMetric(key=key, name=name, load=lambda _: compute, **(usual | changes))


PICTURE_METRICS = {
    metric.key: metric
    for metric in (
        PictureMetric(
            key="psnr_db",
            name="PSNR",
            short="PSNR",
            unit="dB",
            group=Group.DISTORTION,
            is_higher_better=True,
            digits=2,
            min_side_px=1,
            load=lambda _: psnr_db,
        ),
        PictureMetric(
            key="ms_ssim",
            name="MS-SSIM",
            short="MS-SSIM",
            group=Group.DISTORTION,
            is_higher_better=True,
            digits=4,
            highest=1.0,
            min_side_px=MS_SSIM_MIN_SIDE_PX,
            load=lambda _: ms_ssim,
        ),
        PictureMetric(
            key="lpips_alex",
            name="LPIPS (AlexNet)",
            short="LPIPS",
            group=Group.PERCEPTION,
            is_higher_better=False,
            min_side_px=31,
            load=partial(_load, partial(perceptual_distance, "alex")),
        ),
        PictureMetric(
            key="lpips_vgg",
            name="LPIPS (VGG)",
            short="(VGG)",
            group=Group.PERCEPTION,
            is_higher_better=False,
            min_side_px=16,
            load=partial(_load, partial(perceptual_distance, "vgg")),
        ),
        PictureMetric(
            key="dists",
            name="DISTS",
            short="DISTS",
            group=Group.PERCEPTION,
            is_higher_better=False,
            highest=1.0,
            min_side_px=1,
            load=partial(_load, structure_texture_distance),
        ),
        PictureMetric(
            key="ssimulacra2",
            name="SSIMULACRA2",
            short="SSIMULACRA2",
            group=Group.DISTORTION,
            is_higher_better=True,
            digits=1,
            lowest=-inf,
            highest=100.0,
            min_side_px=8,
            load=lambda _: load_ssimulacra2(),
        ),
        _color("color_blocks", "color, mean block", mean_block_error, short="Color"),
        _color("color_worst_block", "color, worst block", worst_block_error, has_column=False),
        _color("color_shift", "color, whole image", color_shift, min_side_px=1, has_column=False),
        _color(
            "saturation_change",
            "saturation, change",
            saturation_change_percent,
            unit="%",
            highest=inf,
            min_side_px=1,
            has_column=False,
        ),
    )
}
"""The metrics that are computed here, by their keys."""


def picture_metric(key: str) -> PictureMetric:
    """Look a metric up, ours or one of pyiqa's.

    Raises:
        BackendUnavailableError: If it is none of ours, and pyiqa is not installed.
        ConfigError: If there is no such metric.
    """
    return PICTURE_METRICS[key] if key in PICTURE_METRICS else pyiqa_metric(key, PICTURE_METRICS)


class QualityMeter:
    """Takes metrics; a network is loaded when it is first needed, and kept."""

    def __init__(self, cache_dir: Path) -> None:
        """Name the folder where fetched weights lie; nothing is loaded yet."""
        self._cache_dir = cache_dir
        self._loaded = dict[str, PairFunction]()
        self._reference: Image01 | None = None
        self._features = dict[str, list[Tensor]]()

    @torch.no_grad()
    def measure(self, key: str, reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
        """Return one metric of each pair of pictures, in the unit that the table names.

        Args:
            key: Which metric, as :func:`picture_metric` knows it.
            reference: Original images, RGB in [0, 1].
            decoded: Decoded images of the same size, RGB in [0, 1].

        Raises:
            ConfigError: If there is no such metric.
            ImageError: If the pictures differ in size, or are too small for the metric.
            BackendUnavailableError: If its weights have not been fetched.
            CheckpointError: If its weights are damaged.
        """
        metric = picture_metric(key)
        _check_sizes(metric, reference, decoded)
        if key not in self._loaded:
            self._loaded[key] = metric.load(self._cache_dir)
        compute = self._loaded[key]
        if isinstance(compute, TrunkDistance):
            ours = self._features_of(key, compute, reference)
            return compute.compare(ours, compute.features(decoded))
        return compute(reference, decoded)

    def _features_of(self, key: str, network: TrunkDistance, reference: Image01) -> list[Tensor]:
        """Return an original's features, kept while decoded pictures are compared with it."""
        if reference is not self._reference:
            self._reference = reference
            self._features.clear()
        if key in self._features:
            return self._features[key]
        features = network.features(reference)
        if reference.shape[-2] * reference.shape[-1] <= _MAX_KEPT_PIXELS:
            self._features[key] = features
        return features


def _check_sizes(metric: PictureMetric, reference: Image01, decoded: Image01) -> None:
    if reference.shape != decoded.shape:
        raise ImageError(
            f"The images differ in shape: {tuple(reference.shape)} and {tuple(decoded.shape)}. "
            "Compare a decoded image with its own original."
        )
    shorter_px = min(reference.shape[2:])
    if shorter_px < metric.min_side_px:
        raise ImageError(
            f"The image's shorter side has {shorter_px} px, but {metric.name} needs at least "
            f"{metric.min_side_px} px. Use another metric, or a larger image."
        )
