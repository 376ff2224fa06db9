"""LPIPS, the learned perceptual image patch similarity, version 0.1.

With y_l and y0_l the features of stage l, each position scaled to unit length over its channels::

    d = sum_l mean_{h,w} sum_c w_{l,c} * (y_{l,h,w,c} - y0_{l,h,w,c}) ** 2

The tests check the weights against the package lpips. It is not imported here: it fetches its
trunk from another server as it is built, and cannot keep the features of an original.

References:
    Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a
    Perceptual Metric, CVPR 2018, eq. 1, https://arxiv.org/abs/1801.03924
"""

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.errors import CheckpointError
from difficmh_core.quality.trunks import (
    Trunk,
    TrunkDistance,
    alexnet_trunk,
    vgg16_trunk,
)
from difficmh_core.shapes import Image01
from difficmh_core.weights.cache import cached_path
from difficmh_core.weights.cards import LPIPS_ALEX, LPIPS_VGG
from difficmh_core.weights.loading import tensors_below
from difficmh_core.weights.pickled_arrays import read_numpy_pickle

NetworkName = Literal["alex", "vgg"]
"""Which classification network sees the pictures."""

_MEAN = (-0.030, -0.088, -0.188)
"""Mean of the training pictures, for RGB in [-1, 1], as published."""
_DEVIATION = (0.458, 0.448, 0.450)
"""Standard deviation of the training pictures, for RGB in [-1, 1], as published."""
_LENGTH_OFFSET = 1e-10
"""Added to the length of a feature vector before dividing by it, as published."""
_TINY = 1e-20
"""Keeps the gradient of the length of an all-zero feature vector finite."""


class PerceptualDistance(TrunkDistance):
    """LPIPS between pairs of pictures."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk, _MEAN, _DEVIATION)
        self.heads = nn.ParameterList(torch.zeros(n, 1) for n in trunk.channels)
        self.requires_grad_(False)

    def features(self, image: Image01) -> list[Tensor]:
        """Return the network's features of pictures, each position scaled to length 1."""
        normalized = (2.0 * image - 1.0 - self.mean) / self.deviation
        return [_unit_length(stage) for stage in self.trunk(normalized)]

    def compare(self, ours: list[Tensor], theirs: list[Tensor]) -> Float[Tensor, " batch"]:
        """Return the distance of each pair of :meth:`features`."""
        distance = torch.zeros(len(ours[0]), device=ours[0].device)
        for head, x, y in zip(self.heads, ours, theirs, strict=True):
            # (B, C, H, W) weighted over channels, averaged over positions
            difference = (x - y).square().mean(dim=(2, 3))
            distance = distance + (difference * head[:, 0]).sum(dim=1)
        return distance


def perceptual_distance(net: NetworkName, cache_dir: Path) -> PerceptualDistance:
    """Return LPIPS with its published weights, on the CPU.

    Args:
        net: ``"alex"`` for the figures that papers print, ``"vgg"`` for a training loss.
        cache_dir: Where fetched weights lie.

    Raises:
        BackendUnavailableError: If the weights have not been fetched.
        CheckpointError: If the weights are damaged.
    """
    card, trunk, prefix = {
        "alex": (LPIPS_ALEX, alexnet_trunk, "AlexNet_0."),
        "vgg": (LPIPS_VGG, lambda: vgg16_trunk(lambda _: nn.MaxPool2d(2, 2)), "VGG16_0."),
    }[net]
    tensors = read_numpy_pickle(cached_path(card, cache_dir))
    distance = PerceptualDistance(trunk())
    distance.trunk.load(tensors_below(tensors, prefix), card.file)
    for index, head in enumerate(distance.heads):
        weights = tensors.get(f"NetLinLayer_{index}.Conv_0.kernel")
        if weights is None or weights.numel() != head.numel():
            raise CheckpointError(
                f"The weights {card.file} have no fitting head for stage {index}. "
                "Delete the file and run `python -m difficmh_core fetch`."
            )
        head.copy_(weights.reshape(-1, 1))
    return distance.eval()


def _unit_length(features: Tensor) -> Tensor:
    """Scale each position's feature vector to length 1, in float32 at least."""
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    squared_length = features.square().sum(dim=1, keepdim=True)
    return features / ((squared_length + _TINY).sqrt() + _LENGTH_OFFSET)
