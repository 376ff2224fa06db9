"""Features of a picture's patches, whose distribution the distances of sets compare.

A picture is cut into whole patches of 256 px from its upper left corner on, and, where its sides
have at least 384 px, again from (128, 128) px on::

    +-------+-------+--       A 768 x 512 picture gives 3 * 2 + 2 * 1 = 8 patches;
    |   +---+---+   |         one with a side below 256 px gives none.
    |   |   |   |   |
    +---+---+---+---+--

Two networks see them: Inception V3 with the weights that define FID and KID, which pyiqa fetches
(96 MB), each patch enlarged to 299 px without antialiasing, as pytorch-fid does; and
EfficientNet-Lite0, which is here without any network, each patch at its own size.

References:
    Mentzer et al.: High-Fidelity Generative Image Compression, NeurIPS 2020, section A.7,
    https://arxiv.org/abs/2006.09965; the second grid holds every whole patch, as in
    https://github.com/facebookresearch/NeuralCompression
    Seitzer: pytorch-fid, https://github.com/mseitzer/pytorch-fid
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.quality.pyiqa_metrics import from_pyiqa
from difficmh_core.shapes import Image01
from difficmh_core.weights.recognition import load_classifier

PATCH_SIDE_PX = 256
_SHIFT_PX = PATCH_SIDE_PX // 2
_BATCH = 16
"""Patches that a network sees at once."""


class FeatureNetwork(StrEnum):
    """Which network's features."""

    INCEPTION = "inception"
    """Inception V3 with the weights of FID: 2,048 features."""
    LITE0 = "lite0"
    """EfficientNet-Lite0, trained on ImageNet: 1,280 features."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchFeatures:
    """A network that gives each patch of a picture one vector.

    Attributes:
        n_features: Length of the vector.
        compute: Takes patches (n, 3, 256, 256) in [0, 1] and returns (n, n_features).
    """

    n_features: int
    compute: Callable[[Tensor], Tensor]

    @torch.no_grad()
    def __call__(self, image: Image01) -> Float[Tensor, "patches features"]:
        """Return the features of all patches of one RGB picture in [0, 1]; maybe of none."""
        patches = patches_of(image)
        parts = [
            self.compute(patches[start : start + _BATCH]).cpu()
            for start in range(0, len(patches), _BATCH)
        ]
        return torch.cat([torch.empty(0, self.n_features), *parts])


def patches_of(image: Image01) -> Float[Tensor, "patches 3 256 256"]:
    """Return the patches of one picture, those of the first grid first.

    Args:
        image: One RGB picture in [0, 1].
    """
    found = list[Tensor]()
    for first_px in (0, _SHIFT_PX):
        _, _, height_px, width_px = image.shape
        for top in range(first_px, height_px - PATCH_SIDE_PX + 1, PATCH_SIDE_PX):
            for left in range(first_px, width_px - PATCH_SIDE_PX + 1, PATCH_SIDE_PX):
                bottom, right = top + PATCH_SIDE_PX, left + PATCH_SIDE_PX
                found.append(image[:, :, top:bottom, left:right])
    return torch.cat(found) if found else image.new_empty(0, 3, PATCH_SIDE_PX, PATCH_SIDE_PX)


def load_features(
    network: FeatureNetwork, cache_dir: Path, device: torch.device | str = "cpu"
) -> PatchFeatures:
    """Return a network of features, ready to run.

    Args:
        network: Which.
        cache_dir: Where fetched weights lie; pyiqa keeps its own elsewhere.
        device: Where it runs.

    Raises:
        BackendUnavailableError: If its weights are absent and cannot be fetched, or pyiqa is not
            installed.
        CheckpointError: If its weights are damaged.
    """
    if network is FeatureNetwork.LITE0:
        classifier = load_classifier(cache_dir)
        # Convolutions are a quarter faster so, measured on two CPU cores.
        classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return PatchFeatures(
            n_features=1280, compute=lambda patches: classifier.pooled(patches.to(device))
        )
    inception = from_pyiqa("FID and KID", lambda pyiqa: pyiqa.archs.inception.InceptionV3())
    inception.to(device).eval()

    def compute(patches: Tensor) -> Tensor:
        (features,) = inception(patches.to(device), resize_input=True, normalize_input=True)
        pooled: Tensor = features.flatten(1)
        return pooled

    return PatchFeatures(n_features=2048, compute=compute)
