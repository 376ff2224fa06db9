"""The blocks that the U-Net and its control module are made of, run one at a time.

A block is a short row of diffusers' layers. The numbering is the one of the published networks:
encoder block 0 is the first convolution, then come the residual blocks of each level (with a
transformer where the level has attention) and the downsampling that ends the level.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    https://arxiv.org/abs/2112.10752
"""

from collections.abc import Sequence
from typing import cast

import torch
from diffusers.models.downsampling import Downsample2D
from diffusers.models.embeddings import TimestepEmbedding, get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.config.networks import UNetConfig
from difficmh_core.diffusion.cross_attention import (
    KeysAndValues,
    keys_and_values,
    read_keys_and_values,
)
from difficmh_core.shapes import Context, Timesteps

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
            if isinstance(layer, ResnetBlock2D):
                hidden = layer(hidden, time)
            elif isinstance(layer, Transformer2DModel):
                own = (
                    context.of(layer)
                    if isinstance(context, KeysAndValues)
                    else keys_and_values(layer, context)
                )
                (hidden,) = layer(hidden, encoder_hidden_states=own, return_dict=False)
            else:
                hidden = layer(hidden)
        return hidden


class TimeEmbedding(nn.Module):
    """Sinusoids of the timestep (cosines first), then two linear layers four times as wide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.layers = TimestepEmbedding(channels, _TIME_EXPANSION * channels)

    def forward(self, timesteps: Timesteps) -> Float[Tensor, "batch time_channels"]:
        """Return the embedding of each timestep."""
        sinusoids = get_timestep_embedding(
            timesteps, self.channels, flip_sin_to_cos=True, downscale_freq_shift=0
        )
        embedding: Tensor = self.layers(sinusoids.to(self.layers.linear_1.weight.dtype))
        return embedding


class LayerFactory:
    """Makes the layers of a U-Net and its control module.

    A normalization has fewer groups where the configured number does not divide its width.
    """

    def __init__(self, config: UNetConfig) -> None:
        self._time_channels = _TIME_EXPANSION * config.block_channels[0]
        self._config = config

    def residual(self, in_channels: int, out_channels: int) -> nn.Module:
        """Return a residual block that the time embedding shifts."""
        layer: nn.Module = ResnetBlock2D(
            in_channels=in_channels,
            out_channels=out_channels,
            temb_channels=self._time_channels,
            groups=largest_divisor(in_channels, self._config.norm_groups),
            groups_out=largest_divisor(out_channels, self._config.norm_groups),
            eps=_RESIDUAL_EPSILON,
        )
        return layer

    def transformer(self, channels: int, head_channels: int) -> nn.Module:
        """Return self-attention, cross-attention to the context, and a feed-forward network."""
        layer = Transformer2DModel(
            channels // head_channels,
            head_channels,
            in_channels=channels,
            cross_attention_dim=self._config.context_channels,
            norm_num_groups=largest_divisor(channels, self._config.norm_groups),
            use_linear_projection=True,
        )
        read_keys_and_values(layer)
        return cast(nn.Module, layer)

    def downsample(self, channels: int) -> nn.Module:
        """Return a convolution that halves height and width."""
        layer: nn.Module = Downsample2D(channels, use_conv=True, name="op")
        return layer

    def upsample(self, channels: int) -> nn.Module:
        """Return doubling of height and width, then a convolution."""
        layer: nn.Module = Upsample2D(channels, use_conv=True)
        return layer


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
        self.time_embedding = TimeEmbedding(config.block_channels[0])
        make = LayerFactory(config)
        width = level_channels[0]
        self.encoder = nn.ModuleList(
            [Block([nn.Conv2d(in_channels, width, kernel_size=3, padding=1)])]
        )
        for level, channels in enumerate(level_channels):
            if level > 0:
                self.encoder.append(Block([make.downsample(width)]))
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
