"""The blocks that the U-Net and its control module are made of, run one at a time.

A block is a short row of layers. The numbering is the one of the published networks:
encoder block 0 is the first convolution, then come the residual blocks of each level (with a
transformer where the level has attention) and the downsampling that ends the level.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    https://arxiv.org/abs/2112.10752
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.config.networks import UNetConfig
from difficmh_core.diffusion.cross_attention import KeysAndValues
from difficmh_core.diffusion.layers import (
    Downsample,
    ResidualBlock,
    SpatialTransformer,
    TimeEmbedding,
)
from difficmh_core.shapes import Context

_TIME_EXPANSION = 4  # the time embedding is this much wider than the first level
_RESIDUAL_EPSILON = 1e-5


def largest_divisor(value: int, at_most: int) -> int:
    """Return the largest divisor of a value that does not exceed a bound."""
    return next(divisor for divisor in range(min(value, at_most), 0, -1) if value % divisor == 0)


class Block(nn.ModuleList):
    """Layers in a row; each gets of time and context what it needs."""

    def forward(
        self,
        hidden: Float[Tensor, "batch in_channels height width"],
        time: Float[Tensor, "batch time_channels"],
        context: Context | KeysAndValues,
    ) -> Float[Tensor, "batch out_channels out_height out_width"]:
        """Run the layers.

        Args:
            hidden: Features, or the latent for the first block.
            time: Embedding of the timestep.
            context: What cross-attention reads, or the keys and values that were made of it.
        """
        for layer in self:
            if isinstance(layer, ResidualBlock):
                hidden = layer(hidden, time)
            elif isinstance(layer, SpatialTransformer):
                own = (
                    context.of(layer)
                    if isinstance(context, KeysAndValues)
                    else layer.cross_attention.keys_and_values(context)
                )
                hidden = layer(hidden, own)
            else:
                hidden = layer(hidden)
        return hidden


class LayerFactory:
    """Makes the layers of a U-Net and its control module.

    A normalization has fewer groups where the configured number does not divide its width.
    """

    def __init__(self, config: UNetConfig) -> None:
        self._time_channels = _TIME_EXPANSION * config.block_channels[0]
        self._config = config

    def residual(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return a residual block that the time embedding shifts."""
        return ResidualBlock(
            in_channels,
            out_channels,
            groups=largest_divisor(in_channels, self._config.norm_groups),
            groups_out=largest_divisor(out_channels, self._config.norm_groups),
            epsilon=_RESIDUAL_EPSILON,
            time_channels=self._time_channels,
        )

    def transformer(self, channels: int, head_channels: int) -> nn.Module:
        """Return self-attention, cross-attention to the context, and a feed-forward network."""
        return SpatialTransformer(
            channels,
            n_heads=channels // head_channels,
            context_channels=self._config.context_channels,
            groups=largest_divisor(channels, self._config.norm_groups),
        )


def encoder_channels(config: UNetConfig, level_channels: Sequence[int]) -> list[int]:
    """Return the width of what each encoder block returns."""
    widths = [level_channels[0]]
    for channels in level_channels:
        widths += [channels] * (config.layers_per_block + 1)  # the last one downsamples
    return widths[:-1]  # the last level has no downsampling


def decoder_channels(config: UNetConfig) -> list[int]:
    """Return the width of what each decoder block reads, before its skip is joined."""
    widths = [config.block_channels[-1]]
    for channels in reversed(config.block_channels):
        widths += [channels] * (config.layers_per_block + 1)
    return widths[:-1]


class EncoderHalf(nn.Module):
    """Time embedding, encoder blocks and middle block: what U-Net and control module share."""

    def __init__(
        self,
        config: UNetConfig,
        *,
        in_channels: int,
        level_channels: Sequence[int],
        head_channels: int,
    ) -> None:
        """Build the untrained blocks.

        Args:
            config: Levels, context and normalization; its widths set the time embedding only.
            in_channels: Channels that the first convolution reads.
            level_channels: Width of each level.
            head_channels: Most channels of one attention head; a transformer takes the largest
                divisor of its width that does not exceed the one of the transformer before it.
        """
        super().__init__()
        make = LayerFactory(config)
        first = config.block_channels[0]
        self.time_embedding = TimeEmbedding(first, _TIME_EXPANSION * first)
        width = level_channels[0]
        self.encoder = nn.ModuleList(
            [Block([nn.Conv2d(in_channels, width, kernel_size=3, padding=1)])]
        )
        for level, channels in enumerate(level_channels):
            if level > 0:
                self.encoder.append(Block([Downsample(width, is_centered=True)]))
            if config.attention_levels[level]:
                head_channels = largest_divisor(channels, head_channels)
            for _ in range(config.layers_per_block):
                layers = [make.residual(width, channels)]
                if config.attention_levels[level]:
                    layers.append(make.transformer(channels, head_channels))
                self.encoder.append(Block(layers))
                width = channels
        self.middle = Block(
            [
                make.residual(width, width),
                make.transformer(width, largest_divisor(width, head_channels)),
                make.residual(width, width),
            ]
        )

    @property
    def dtype(self) -> torch.dtype:
        """Element type of the weights."""
        return next(self.parameters()).dtype
