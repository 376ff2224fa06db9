"""The table of all measures of quality, and the meter that takes them.

Every measure compares a decoded picture with its original, both RGB in [0, 1] at original size.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.errors import ImageError
from difficmh_core.quality.distortion import MS_SSIM_MIN_SIDE_PX, ms_ssim, psnr_db
from difficmh_core.quality.dists import StructureTextureDistance, structure_texture_distance
from difficmh_core.quality.lpips import PerceptualDistance, perceptual_distance
from difficmh_core.quality.measure import Group, Metric, PairMeasure
from difficmh_core.quality.named import named_metric
from difficmh_core.shapes import Image01

FeatureDistance = PerceptualDistance | StructureTextureDistance
_MAX_KEPT_PIXELS = 1 << 21
"""Features of larger originals are computed anew each time: they take about 1 kB a pixel."""
_LPIPS_REFERENCE = "Zhang et al., CVPR 2018, https://arxiv.org/abs/1801.03924, version 0.1"


def _load(
    make: Callable[[Path], FeatureDistance], cache_dir: Path, device: torch.device
) -> FeatureDistance:
    network = make(cache_dir)
    # Convolutions are a quarter faster so, measured on two CPU cores.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


METRICS = {
    metric.key: metric
    for metric in (
        Metric(
            key="psnr_db",
            name="PSNR",
            short="PSNR",
            unit="dB",
            group=Group.DISTORTION,
            is_higher_better=True,
            digits=2,
            min_side_px=1,
            needs_weights=False,
            load=lambda *_: psnr_db,
            reference="10 log10(1 / mean squared error) over all three channels",
        ),
        Metric(
            key="ms_ssim",
            name="MS-SSIM",
            short="MS-SSIM",
            group=Group.DISTORTION,
            is_higher_better=True,
            digits=4,
            highest=1.0,
            min_side_px=MS_SSIM_MIN_SIDE_PX,
            needs_weights=False,
            load=lambda *_: ms_ssim,
            reference="Wang et al., Asilomar 2003, https://doi.org/10.1109/ACSSC.2003.1292216",
        ),
        Metric(
            key="lpips_alex",
            name="LPIPS (AlexNet)",
            short="LPIPS",
            group=Group.PERCEPTION,
            is_higher_better=False,
            min_side_px=31,
            needs_weights=True,
            load=partial(_load, partial(perceptual_distance, "alex")),
            reference=_LPIPS_REFERENCE,
        ),
        Metric(
            key="lpips_vgg",
            name="LPIPS (VGG)",
            short="(VGG)",
            group=Group.PERCEPTION,
            is_higher_better=False,
            min_side_px=16,
            needs_weights=True,
            load=partial(_load, partial(perceptual_distance, "vgg")),
            reference=_LPIPS_REFERENCE,
        ),
        Metric(
            key="dists",
            name="DISTS",
            short="DISTS",
            group=Group.PERCEPTION,
            is_higher_better=False,
            highest=1.0,
            min_side_px=1,
            needs_weights=True,
            load=partial(_load, structure_texture_distance),
            reference="Ding et al., 2020, https://arxiv.org/abs/2004.07728",
        ),
    )
}
"""The measures that are computed here, by their keys."""


def metric_of(key: str) -> Metric:
    """Look a measure up, ours or one of pyiqa's.

    Raises:
        BackendUnavailableError: If it is none of ours, and pyiqa is not installed.
        ConfigError: If there is no such measure.
    """
    return METRICS[key] if key in METRICS else named_metric(key, METRICS)


class QualityMeter:
    """Takes measures; a network is loaded when it is first needed, and kept."""

    def __init__(self, cache_dir: Path, device: torch.device | str = "cpu") -> None:
        """Prepare the meter; nothing is loaded yet.

        Args:
            cache_dir: Where fetched weights lie.
            device: Where the networks run.
        """
        self._cache_dir = cache_dir
        self._device = torch.device(device)
        self._measures = dict[str, PairMeasure]()
        self._reference: Image01 | None = None
        self._features = dict[str, list[Tensor]]()

    @torch.no_grad()
    def measure(self, key: str, reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
        """Return one measure of each pair of pictures, in the unit that the table names.

        Args:
            key: Which measure, as :func:`metric_of` knows it.
            reference: Original images, RGB in [0, 1].
            decoded: Decoded images of the same size, RGB in [0, 1].

        Raises:
            ConfigError: If there is no such measure.
            ImageError: If the pictures differ in size, or are too small for the measure.
            BackendUnavailableError: If its weights have not been fetched.
            CheckpointError: If its weights are damaged.
        """
        metric = metric_of(key)
        _check_sizes(metric, reference, decoded)
        if key not in self._measures:
            self._measures[key] = metric.load(self._cache_dir, self._device)
        measure = self._measures[key]
        if isinstance(measure, FeatureDistance):
            ours = self._features_of(key, measure, reference)
            return measure.compare(ours, measure.features(decoded.to(self._device)))
        return measure(reference.to(self._device), decoded.to(self._device))

    def _features_of(self, key: str, network: FeatureDistance, reference: Image01) -> list[Tensor]:
        """Return an original's features, kept while decoded pictures are compared with it."""
        if reference is not self._reference:
            self._reference = reference
            self._features.clear()
        if key in self._features:
            return self._features[key]
        features = network.features(reference.to(self._device))
        if reference.shape[-2] * reference.shape[-1] <= _MAX_KEPT_PIXELS:
            self._features[key] = features
        return features


def _check_sizes(metric: Metric, reference: Image01, decoded: Image01) -> None:
    if reference.shape != decoded.shape:
        raise ImageError(
            f"The images differ in shape: {tuple(reference.shape)} and {tuple(decoded.shape)}. "
            "Compare a decoded image with its own original."
        )
    shorter_px = min(reference.shape[2:])
    if shorter_px < metric.min_side_px:
        raise ImageError(
            f"The image's shorter side has {shorter_px} px, but {metric.name} needs at least "
            f"{metric.min_side_px} px. Use another measure, or a larger image."
        )
