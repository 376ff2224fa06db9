"""A projected discriminator: small heads on the frozen features of a classifier.

A discriminator that learns its own features from a few thousand crops tells decoded pictures by
what nobody sees, and soon always wins. One that sees what a classifier sees, at several scales,
can only tell what matters there. The classifier sees crops that are shifted and recolored before,
so that the heads cannot learn them by heart.

References:
    Sauer et al.: Projected GANs Converge Faster, NeurIPS 2021, https://arxiv.org/abs/2111.01007
    Sauer et al.: Adversarial Diffusion Distillation, 2023, https://arxiv.org/abs/2311.17042
    (a conditional term)
    Zhao et al.: Differentiable Augmentation, NeurIPS 2020, https://arxiv.org/abs/2006.10738
    Miyato, Koyama: cGANs with Projection Discriminator, ICLR 2018,
    https://arxiv.org/abs/1802.05637
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from difficmh_core.shapes import Context, Image01

_STAGES = {2: 24, 3: 40, 5: 112, 7: 320}
"""Which of the classifier's maps are seen, at strides 4, 8, 16 and 32, and their channels."""
_WIDTH = 64
_LEAK = 0.2
_TINY = 1e-6
_MOMENTUM = 0.02
"""How fast the statistics of real pictures follow."""
_SHIFT_SHARE = 0.125
_BRIGHTNESS = 0.2
_SATURATION = (0.5, 1.5)
_CONTRAST = (0.75, 1.25)

Maps = Sequence[Float[Tensor, "batch _features _height _width"]]
"""What a classifier sees at each of its stages, see :meth:`.EfficientNetLite0.maps`."""


class ProjectedDiscriminator(nn.Module):
    """Says of pictures, at four scales and every position, whether they look real or decoded."""

    def __init__(self, context_channels: int) -> None:
        """Build the heads.

        Args:
            context_channels: Width of the tags' embeddings; 0 leaves the conditional term out.
        """
        super().__init__()
        self.heads = nn.ModuleList(_Head(n, context_channels) for n in _STAGES.values())

    def forward(self, maps: Maps, context: Context | None) -> list[Tensor]:
        """Return scores (batch, h, w) of each scale: above 0 looks real, below 0 decoded.

        Args:
            maps: What the classifier sees.
            context: Embeddings of the tags; ``None`` leaves the conditional term out.
        """
        return [
            head(maps[stage], context) for stage, head in zip(_STAGES, self.heads, strict=True)
        ]

    def loss(self, real: Maps, decoded: Maps, context: Context | None) -> Float[Tensor, ""]:
        """Return the hinge loss that the heads minimize: 2 if they tell nothing, 0 at best."""
        for stage, head in zip(_STAGES, self.heads, strict=True):
            cast(_Head, head).follow(real[stage])
        pairs = zip(self(real, context), self(decoded, context), strict=True)
        losses = [(1 - own).relu().mean() + (1 + other).relu().mean() for own, other in pairs]
        return torch.stack(losses).mean()

    def realism(self, decoded: Maps, context: Context | None) -> Float[Tensor, " batch"]:
        """Return how real decoded pictures look, the mean over scales and positions."""
        return torch.stack([s.mean(dim=(1, 2)) for s in self(decoded, context)]).mean(dim=0)


class _Head(nn.Module):
    """Scores of one scale: a few convolutions, and how well what they find goes with the tags."""

    mean: Tensor
    power: Tensor

    def __init__(self, in_channels: int, context_channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(in_channels))
        self.register_buffer("power", torch.ones(in_channels))
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(in_channels, _WIDTH, kernel_size=1)),
            nn.LeakyReLU(_LEAK),
            spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, kernel_size=3, padding=1)),
            nn.LeakyReLU(_LEAK),
        )
        self.score = spectral_norm(nn.Conv2d(_WIDTH, 1, kernel_size=1))
        self.of_tags: nn.Module | None = None
        if context_channels:
            self.of_tags = spectral_norm(nn.Linear(context_channels, _WIDTH, bias=False))

    @torch.no_grad()
    def follow(self, real: Tensor) -> None:
        """Let the statistics, by which features are standardized, follow real pictures'."""
        real = real.float()
        self.mean.lerp_(real.mean(dim=(0, 2, 3)), _MOMENTUM)
        deviation = real - self.mean.view(-1, 1, 1)
        self.power.lerp_(deviation.square().mean(dim=(0, 2, 3)), _MOMENTUM)

    def forward(self, features: Tensor, context: Context | None) -> Tensor:
        mean, power = (values.view(-1, 1, 1) for values in (self.mean, self.power))
        hidden = self.layers((features.float() - mean) / (power + _TINY).sqrt())
        score: Tensor = self.score(hidden)[:, 0]
        if context is None or self.of_tags is None:
            return score
        tags = self.of_tags(context.float().mean(dim=1))
        agreement: Tensor = torch.einsum("bchw,bc->bhw", hidden, tags)
        return score + agreement / math.sqrt(_WIDTH)


def augmented(image: Image01) -> Image01:
    """Return pictures with random color and place, differentiable: each another one.

    Brightness, saturation and contrast change, and the picture moves by up to an eighth of its
    side, with zeros where nothing is left.
    """
    n, device = len(image), image.device

    def random(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, 1, device=device)

    image = image + random(-_BRIGHTNESS / 2, _BRIGHTNESS / 2)
    gray = image.mean(dim=1, keepdim=True)
    image = gray + (image - gray) * random(*_SATURATION)
    middle = image.mean(dim=(1, 2, 3), keepdim=True)
    image = middle + (image - middle) * random(*_CONTRAST)
    most = [int(edge * _SHIFT_SHARE) for edge in image.shape[-2:]]
    padded = functional.pad(image, (most[1], most[1], most[0], most[0]))
    height, width = image.shape[-2:]
    moved = list[Tensor]()
    for one in padded:
        top, left = (int(torch.randint(2 * edge + 1, ())) for edge in most)
        moved.append(one[:, top : top + height, left : left + width])
    return torch.stack(moved)
