"""The autoencoder between pictures and diffusion latents, an eighth of their size.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    section 3.1, https://arxiv.org/abs/2112.10752
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from difficmh_core.config.networks import AutoencoderConfig
from difficmh_core.diffusion.autoencoder_networks import AutoencoderNetworks
from difficmh_core.diffusion.tiling import Tiling, in_tiles
from difficmh_core.shapes import DiffusionLatent, Image01

_RGB_CHANNELS = 3
_STRIDE_PX = 8  # of a position of the latent
_LOG_VARIANCE = (-30.0, 20.0)  # where a latent's is clamped, as in the published code


class Autoencoder(nn.Module):
    """Stable Diffusion's autoencoder between pictures in [0, 1] and latents of unit variance.

    Two settings make it cheap where there is no GPU: ``patch_px`` moves squares of pixels into
    channels, so that no convolution runs at full size, and ``norm_groups=None`` leaves out the
    group normalizations, which cost as much time as the convolutions around them on a CPU.
    ``detail_channels`` adds :class:`DetailOutput`, which hides the borders of those squares.

    Attributes:
        tiling: How large pictures are cut; ``None`` runs each as a whole.
    """

    tiling: Tiling | None

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.patch_px = config.patch_px
        self.scaling_factor = config.scaling_factor
        self.tiling = None
        self.model = AutoencoderNetworks(config, _RGB_CHANNELS * config.patch_px**2)
        if config.norm_groups is None:
            _remove_normalization(self.model)
        if config.detail_channels:
            self.model.decoder.conv_out = DetailOutput(
                cast(nn.Conv2d, self.model.decoder.conv_out), config.detail_channels
            )

    def posterior(self, image: Image01) -> Normal:
        """Return the distribution of each value of each picture's latent, unscaled."""
        patches = functional.pixel_unshuffle(2 * image - 1, self.patch_px).to(self._dtype)
        moments = self._run(self.model.encode, patches, read=_STRIDE_PX // self.patch_px)
        mean, log_variance = moments.chunk(2, dim=1)
        deviation = (0.5 * log_variance.clamp(*_LOG_VARIANCE)).exp()
        return Normal(mean, deviation, validate_args=False)

    def encode(self, image: Image01, *, sample: bool = False) -> DiffusionLatent:
        """Return the latent of each picture, scaled to about unit variance.

        Args:
            image: Sides are multiples of 8 [px].
            sample: Whether to draw from the posterior, as training does, instead of its mean.
        """
        posterior = self.posterior(image)
        latent: Tensor = posterior.rsample() if sample else posterior.mean
        return (latent * self.scaling_factor).to(image.dtype)

    def decode_raw(self, latent: DiffusionLatent) -> Tensor:
        """Return the picture of each latent as the network gives it, not clamped to [0, 1]."""
        unscaled = (latent / self.scaling_factor).to(self._dtype)
        patches = self._run(self.model.decode, unscaled, made=_STRIDE_PX // self.patch_px)
        decoded = functional.pixel_shuffle(patches.to(latent.dtype), self.patch_px)
        return (decoded + 1) / 2

    def decode(self, latent: DiffusionLatent) -> Image01:
        """Return the picture of each latent, clamped to [0, 1]."""
        return self.decode_raw(latent).clamp(0, 1)

    def _run(
        self, network: Callable[[Tensor], Tensor], x: Tensor, *, read: int = 1, made: int = 1
    ) -> Tensor:
        if self.tiling is None:
            return network(x)
        return in_tiles(lambda crops: network(*crops), [x], self.tiling, read=read, made=made)

    @property
    def _dtype(self) -> torch.dtype:
        return self.model.quant_conv.weight.dtype


class DetailOutput(nn.Module):
    """Puts out squares of pixels as a sum: one convolution, and details made at full size.

    The convolution alone makes each square from a few coarse positions, in one linear step; seams
    between the squares show as a weave. The details come from thin layers at twice the size, four
    times, and so on, whose last convolution starts at zero.
    """

    def __init__(self, squares: nn.Conv2d, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.squares = squares
        self.patch_px = 2 ** len(channels)
        layers, width = list[nn.Module](), squares.in_channels
        for wider in channels:
            layers += [nn.Conv2d(width, 4 * wider, kernel_size=1), nn.PixelShuffle(2)]
            layers += [_Residual(wider)]
            width = wider
        last = nn.Conv2d(width, _RGB_CHANNELS, kernel_size=3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(cast(Tensor, last.bias))
        layers += [nn.SiLU(), last]
        self.details = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return squares of pixels in channels, ``(batch, 3 patch², h, w)``."""
        squares: Tensor = self.squares(features)
        return squares + functional.pixel_unshuffle(self.details(features), self.patch_px)


class _Residual(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.second = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(functional.silu(x))
        added: Tensor = self.second(functional.silu(hidden))
        return x + added


def _remove_normalization(module: nn.Module) -> None:
    """Put an identity in the place of every group normalization."""
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, nn.Identity())
        else:
            _remove_normalization(child)
