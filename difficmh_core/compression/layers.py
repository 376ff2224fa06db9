"""Building blocks of the transforms: convolutions, residual blocks, and modulation.

Modulation (spatial feature transform) lets one picture's features steer another network: a prior
feature map predicts, for every position and channel, a factor and an offset::

    prior ── conv ── LeakyReLU ─┬─ conv ─ gamma        output = x * (1 + gamma) + beta
                                └─ conv ─ beta

Prior and ``x`` must have the same height and width. Pictures are padded to multiples of 64, so
every pair in this codec does; nothing is resized.

References:
    Wang et al.: Recovering Realistic Texture in Image Super-resolution by Deep Spatial Feature
    Transform, CVPR 2018, eq. 3, https://arxiv.org/abs/1804.02815
    Cheng et al.: Learned Image Compression with Discretized Gaussian Mixture Likelihoods and
    Attention Modules, CVPR 2020 (residual blocks), https://arxiv.org/abs/2001.01568
"""

from itertools import pairwise
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Features: TypeAlias = Float[Tensor, "batch channels rows columns"]


def conv(in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """Return a convolution whose output is the input size divided by ``stride``."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)


def deconv(
    in_channels: int, out_channels: int, kernel: int = 5, stride: int = 2
) -> nn.ConvTranspose2d:
    """Return a transposed convolution whose output is the input size times ``stride``."""
    return nn.ConvTranspose2d(
        in_channels,
        out_channels,
        kernel,
        stride,
        padding=kernel // 2,
        output_padding=stride - 1,
    )


def conv_stack(*channels: int, kernel: int = 3) -> nn.Sequential:
    """Return convolutions from each number of channels to the next, with GELU between them."""
    layers = list[nn.Module]()
    for in_channels, out_channels in pairwise(channels):
        layers += [conv(in_channels, out_channels, kernel), nn.GELU()]
    return nn.Sequential(*layers[:-1])


class BottleneckBlock(nn.Module):
    """A residual block that computes at half its width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(channels, channels // 2, kernel=1),
            nn.GELU(),
            conv(channels // 2, channels // 2),
            nn.GELU(),
            conv(channels // 2, channels, kernel=1),
        )

    def forward(self, x: Features) -> Features:
        """Return ``x`` plus what the branch makes of it."""
        residual: Tensor = self.branch(x)
        return x + residual


class DownsamplingBlock(nn.Module):
    """A residual block that halves height and width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = conv(in_channels, out_channels, stride=2)
        self.second = conv(out_channels, out_channels)
        self.shortcut = conv(in_channels, out_channels, kernel=1)

    def forward(self, x: Features) -> Float[Tensor, "batch out_channels half_rows half_columns"]:
        """Return features of half the height and width."""
        residual = functional.leaky_relu(self.first(x), 0.01)
        residual = functional.leaky_relu(self.second(residual), 0.1)
        # Left out before the convolution instead of by its stride: the same numbers, but oneDNN
        # crashes on the gradient of three channels with stride 2 (torch 2.13, AVX2).
        shortcut: Tensor = self.shortcut(x[..., ::2, ::2])
        return residual + shortcut


class UpsamplingBlock(nn.Module):
    """A residual block that doubles height and width by shuffling channels into pixels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = conv(in_channels, 4 * out_channels, kernel=1)
        self.second = conv(out_channels, out_channels)
        self.shortcut = conv(in_channels, 4 * out_channels, kernel=1)

    def forward(
        self, x: Features
    ) -> Float[Tensor, "batch out_channels double_rows double_columns"]:
        """Return features of double the height and width."""
        residual = functional.leaky_relu(functional.pixel_shuffle(self.first(x), 2), 0.01)
        residual = functional.leaky_relu(self.second(residual), 0.1)
        return residual + functional.pixel_shuffle(self.shortcut(x), 2)


class Modulation(nn.Module):
    """Scale and shift features as a prior says (spatial feature transform)."""

    def __init__(self, channels: int, prior_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.shared = conv(prior_channels, hidden_channels)
        self.gamma = conv(hidden_channels, channels)
        self.beta = conv(hidden_channels, channels)

    def forward(
        self,
        x: Features,
        prior: Float[Tensor, "batch prior rows columns"],
    ) -> Features:
        """Return ``x * (1 + gamma) + beta`` with both predicted from ``prior``."""
        hidden = functional.leaky_relu(self.shared(prior), 0.2)
        gamma: Tensor = self.gamma(hidden)
        beta: Tensor = self.beta(hidden)
        return x * (1 + gamma) + beta


class ModulatedResidualBlock(nn.Module):
    """A residual block whose two convolutions are each preceded by a modulation."""

    def __init__(self, channels: int, prior_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.first_modulation = Modulation(channels, prior_channels, hidden_channels)
        self.first = conv(channels, channels)
        self.second_modulation = Modulation(channels, prior_channels, hidden_channels)
        self.second = conv(channels, channels)

    def forward(
        self,
        x: Features,
        prior: Float[Tensor, "batch prior rows columns"],
    ) -> Features:
        """Return ``x`` plus the modulated branch."""
        residual = functional.leaky_relu(self.first_modulation(x, prior), 0.2)
        residual = self.second_modulation(self.first(residual), prior)
        change: Tensor = self.second(functional.leaky_relu(residual, 0.2))
        return x + change
