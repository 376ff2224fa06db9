"""The autoencoder between pictures and diffusion latents, an eighth of their size.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    section 3.1, https://arxiv.org/abs/2112.10752
"""

from diffusers import AutoencoderKL
from torch import Tensor, nn

from difficmh_core.config import AutoencoderConfig
from difficmh_core.shapes import DiffusionLatent, Image01

__all__ = ["Autoencoder"]


class Autoencoder(nn.Module):
    """Diffusers' ``AutoencoderKL`` between pictures in [0, 1] and latents of unit variance."""

    def __init__(self, config: AutoencoderConfig) -> None:
        """Build the untrained networks.

        Args:
            config: Their sizes.
        """
        super().__init__()
        n_levels = len(config.block_channels)
        self.scaling_factor = config.scaling_factor
        self.model = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * n_levels,
            up_block_types=("UpDecoderBlock2D",) * n_levels,
            block_out_channels=config.block_channels,
            layers_per_block=config.layers_per_block,
            norm_num_groups=config.norm_groups,
            scaling_factor=config.scaling_factor,
            mid_block_add_attention=config.mid_attention,
        )

    def encode(self, image: Image01, *, sample: bool = False) -> DiffusionLatent:
        """Return the latent of each picture, scaled to about unit variance.

        Args:
            image: Sides are multiples of 8 [px].
            sample: Whether to draw from the posterior, as training does, instead of its mean.
        """
        posterior = self.model.encode((2 * image - 1).to(self.model.dtype)).latent_dist
        latent: Tensor = posterior.sample() if sample else posterior.mean
        return (latent * self.scaling_factor).to(image.dtype)

    def decode(self, latent: DiffusionLatent) -> Image01:
        """Return the picture of each latent, clamped to [0, 1]."""
        unscaled = (latent / self.scaling_factor).to(self.model.dtype)
        decoded: Tensor = self.model.decode(unscaled).sample
        return ((decoded.to(latent.dtype) + 1) / 2).clamp(0, 1)
