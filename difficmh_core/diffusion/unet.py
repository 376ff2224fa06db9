"""The diffusion U-Net, whose blocks can be run one at a time so that control reaches each.

::

    latent ─ encoder 0 ─ … ─ encoder n ─ middle ─ decoder 0 ─ … ─ decoder n ─ out ─ prediction
                 └───────────────┴──── skips, last first ─┴───────────┘

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    https://arxiv.org/abs/2112.10752
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.config.networks import UNetConfig
from difficmh_core.diffusion.blocks import (
    Block,
    EncoderHalf,
    LayerFactory,
    decoder_channels,
    encoder_channels,
)
from difficmh_core.diffusion.cross_attention import KeysAndValues
from difficmh_core.diffusion.layers import Upsample
from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Context, DiffusionLatent, Timesteps


class DenoisingUNet(EncoderHalf):
    """Predicts the noise, or v, in a latent."""

    def __init__(self, config: UNetConfig) -> None:
        """Build the untrained blocks.

        Raises:
            ConfigError: If heads or groups do not divide the width of a level that has them.
        """
        _check_divisible(config)
        super().__init__(
            config,
            in_channels=config.diffusion_channels,
            level_channels=config.block_channels,
            head_channels=config.head_channels,
        )
        make = LayerFactory(config)
        skips = encoder_channels(config, config.block_channels)
        widths = decoder_channels(config)
        self.decoder = nn.ModuleList()
        for level in reversed(range(len(config.block_channels))):
            channels = config.block_channels[level]
            for index in range(config.layers_per_block + 1):
                layers = [make.residual(widths[len(self.decoder)] + skips.pop(), channels)]
                if config.attention_levels[level]:
                    layers.append(make.transformer(channels, config.head_channels))
                if level > 0 and index == config.layers_per_block:
                    layers.append(Upsample(channels))
                self.decoder.append(Block(layers))
        self.out = nn.Sequential(
            nn.GroupNorm(config.norm_groups, config.block_channels[0]),
            nn.SiLU(),
            nn.Conv2d(
                config.block_channels[0], config.diffusion_channels, kernel_size=3, padding=1
            ),
        )

    def forward(
        self, latent: DiffusionLatent, timesteps: Timesteps, context: Context | KeysAndValues
    ) -> DiffusionLatent:
        """Return the prediction without control.

        Args:
            latent: Noisy latent; sides are multiples of 2 to the number of downsamplings.
            timesteps: Timestep of each latent.
            context: What cross-attention reads, or the keys and values that were made of it.
        """
        time = self.time_embedding(timesteps)
        hidden, skips = latent, list[Tensor]()
        for block in self.encoder:
            hidden = block(hidden, time, context)
            skips.append(hidden)
        hidden = self.middle(hidden, time, context)
        for block in self.decoder:
            hidden = block(torch.cat([hidden, skips.pop()], dim=1), time, context)
        prediction: Tensor = self.out(hidden)
        return prediction

    def features(
        self,
        latent: DiffusionLatent,
        timesteps: Timesteps,
        context: Context,
        *,
        block: int | None = None,
    ) -> Float[Tensor, "batch features height width"]:
        """Return inner features, which the semantic consistency loss compares.

        Args:
            latent: Latent that the U-Net reads.
            timesteps: Timestep of each latent; 0 for a latent without noise.
            context: What cross-attention reads.
            block: Index of an encoder block, from 0; ``None`` is the middle block.
        """
        time = self.time_embedding(timesteps)
        hidden = latent
        last = len(self.encoder) if block is None else block + 1
        for encoder_block in self.encoder[:last]:
            hidden = encoder_block(hidden, time, context)
        return self.middle(hidden, time, context) if block is None else hidden


def _check_divisible(config: UNetConfig) -> None:
    """Refuse widths that groups or heads do not divide: rounding would build another network."""
    middle = config.block_channels[-1]  # the middle block always attends
    for channels, has_attention in zip(
        config.block_channels, config.attention_levels, strict=True
    ):
        if channels % config.norm_groups:
            raise ConfigError(
                f"norm_groups must divide the width of every level, got {config.norm_groups} for "
                f"{channels} channels."
            )
        if (has_attention or channels == middle) and channels % config.head_channels:
            raise ConfigError(
                "head_channels must divide the width of every level with attention, got "
                f"{config.head_channels} for {channels} channels."
            )
