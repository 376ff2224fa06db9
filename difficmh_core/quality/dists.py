"""DISTS: deep image structure and texture similarity.

With x and y the features of stage i (stage 0 is the picture itself), per channel j::

    l = (2 mean_x mean_y + c) / (mean_x**2 + mean_y**2 + c)        texture
    s = (2 cov_xy + c) / (var_x + var_y + c)                       structure
    D = 1 - sum_ij (alpha_ij l_ij + beta_ij s_ij),   alpha and beta together sum to 1

Other metrics are pyiqa's (:mod:`.pyiqa_metrics`). This one is not, for the reasons told in
:mod:`.lpips`.

References:
    Ding, Ma, Wang, Simoncelli: Image Quality Assessment: Unifying Structure and Texture
    Similarity, 2020, eq. 6 to 8, https://arxiv.org/abs/2004.07728
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.quality.trunks import Trunk, TrunkDistance, vgg16_trunk
from difficmh_core.shapes import Image01
from difficmh_core.weights.cache import cached_path
from difficmh_core.weights.cards import DISTS_WEIGHTS, LPIPS_VGG
from difficmh_core.weights.loading import load_strict, read_torch_file, tensors_below
from difficmh_core.weights.pickled_arrays import read_numpy_pickle

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, for RGB in [0, 1]."""
_STABILITY = 1e-6
"""The constant c of both terms, as published."""
_ROOT_OFFSET = 1e-12
"""Keeps the square root of the pooling away from zero, as published."""


class L2Pooling(nn.Module):
    """Halve the size by the root of the mean square under a 3x3 Hann window."""

    window: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        side = torch.tensor([0.25, 0.5, 0.25])
        window = torch.outer(side, side).expand(n_channels, 1, 3, 3).contiguous()
        self.register_buffer("window", window, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of half the size, rounded up."""
        power = functional.conv2d(
            features.square(), self.window, stride=2, padding=1, groups=len(self.window)
        )
        return (power + _ROOT_OFFSET).sqrt()


class StructureTextureDistance(TrunkDistance):
    """DISTS between pairs of pictures, 0 to 1."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk, _MEAN, _DEVIATION)
        n_channels = 3 + sum(trunk.channels)
        self.alpha = nn.Parameter(torch.zeros(1, n_channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, n_channels, 1, 1))
        self.requires_grad_(False)

    def compare(self, ours: list[Tensor], theirs: list[Tensor]) -> Float[Tensor, " batch"]:
        """Return the distance of each pair of :meth:`features`."""
        # Only the trunk may run in bfloat16: the statistics are differences of near numbers.
        with torch.autocast(ours[0].device.type, enabled=False):
            return self._distance(ours, theirs)

    def _distance(self, ours: list[Tensor], theirs: list[Tensor]) -> Float[Tensor, " batch"]:
        texture, structure = [], []
        for x, y in zip(ours, theirs, strict=True):
            mean_x, mean_y = x.mean(dim=(2, 3)), y.mean(dim=(2, 3))
            variance_x = x.var(dim=(2, 3), correction=0)
            variance_y = y.var(dim=(2, 3), correction=0)
            covariance = (x * y).mean(dim=(2, 3)) - mean_x * mean_y
            texture.append(
                (2 * mean_x * mean_y + _STABILITY)
                / (mean_x.square() + mean_y.square() + _STABILITY)
            )
            structure.append(
                (2 * covariance + _STABILITY) / (variance_x + variance_y + _STABILITY)
            )
        alpha, beta = self.alpha.flatten(), self.beta.flatten()
        weighted = torch.cat(texture, dim=1) @ alpha + torch.cat(structure, dim=1) @ beta
        return 1.0 - weighted / (alpha.sum() + beta.sum())

    def features(self, image: Image01) -> list[Tensor]:
        """Return the pictures and their five feature maps."""
        features = [image, *self.trunk((image - self.mean) / self.deviation)]
        return [x.to(torch.promote_types(x.dtype, torch.float32)) for x in features]


def structure_texture_distance(cache_dir: Path) -> StructureTextureDistance:
    """Return DISTS with its published weights, on the CPU.

    Args:
        cache_dir: Where fetched weights lie.

    Raises:
        BackendUnavailableError: If the weights have not been fetched.
        CheckpointError: If the weights are damaged.
    """
    convolutions = read_numpy_pickle(cached_path(LPIPS_VGG, cache_dir))
    channel_weights = read_torch_file(cached_path(DISTS_WEIGHTS, cache_dir))
    distance = StructureTextureDistance(vgg16_trunk(L2Pooling))
    distance.trunk.load(tensors_below(convolutions, "VGG16_0."), LPIPS_VGG.file)
    trunk_state = {f"trunk.{key}": value for key, value in distance.trunk.state_dict().items()}
    load_strict(distance, {**trunk_state, **channel_weights}, DISTS_WEIGHTS.file)
    return distance.eval()
