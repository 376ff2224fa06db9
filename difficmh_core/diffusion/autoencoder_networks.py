"""Encoder and decoder of Stable Diffusion's autoencoder; weights have diffusers' names.

::

    encoder: conv_in ─ level ─ ↓2 ─ level ─ ↓2 ─ … ─ level ─ middle ─ conv_out ─ quant_conv
    decoder: post_quant_conv ─ conv_in ─ middle ─ level ─ ↑2 ─ level ─ ↑2 ─ … ─ level ─ conv_out

References:
    Esser, Rombach, Ommer: Taming Transformers, 2021, table 7, https://arxiv.org/abs/2012.09841
"""

from itertools import pairwise
from typing import TypeAlias, cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.config.networks import AutoencoderConfig
from difficmh_core.diffusion.layers import (
    Attention,
    Downsample,
    Features,
    ResidualBlock,
    Upsample,
)
from difficmh_core.shapes import DiffusionLatent

_Picture: TypeAlias = Float[Tensor, "batch values height width"]
_Moments: TypeAlias = Float[Tensor, "batch moments h8 w8"]
_EPSILON = 1e-6  # what the normalizations add to the variance


class AutoencoderNetworks(nn.Module):
    """Both halves, with the convolutions that join them to the latent."""

    def __init__(self, config: AutoencoderConfig, n_values: int) -> None:
        """Build the untrained networks.

        Args:
            config: Their sizes.
            n_values: Values of a picture at each position.
        """
        super().__init__()
        self.encoder = _Encoder(config, n_values)
        self.decoder = _Decoder(config, n_values)
        channels = config.diffusion_channels
        self.quant_conv = nn.Conv2d(2 * channels, 2 * channels, kernel_size=1)
        self.post_quant_conv = nn.Conv2d(channels, channels, kernel_size=1)

    def encode(self, picture: _Picture) -> _Moments:
        """Return mean and logarithm of the variance of each latent, side by side."""
        moments: Tensor = self.quant_conv(self.encoder(picture))
        return moments

    def decode(self, latent: DiffusionLatent) -> _Picture:
        """Return the picture of each latent."""
        picture: Tensor = self.decoder(self.post_quant_conv(latent))
        return picture


class _Level(nn.ModuleDict):
    """Lists of layers that run one after the other."""

    def forward(
        self, hidden: Features
    ) -> Float[Tensor, "batch out_channels out_height out_width"]:
        for layers in self.values():
            for layer in cast(nn.ModuleList, layers):
                hidden = layer(hidden)
        return hidden


class _Middle(nn.Module):
    """Two residual blocks, and attention between them where it is wanted."""

    def __init__(self, channels: int, groups: int, *, has_attention: bool) -> None:
        super().__init__()
        first = _residual(channels, channels, groups)
        between = [_PositionAttention(channels, groups)] if has_attention else []
        self.attentions = nn.ModuleList(between)
        self.resnets = nn.ModuleList([first, _residual(channels, channels, groups)])

    def forward(self, hidden: Features) -> Features:
        hidden = self.resnets[0](hidden)
        for attention in self.attentions:
            hidden = attention(hidden)
        hidden = self.resnets[1](hidden)
        return hidden


class _PositionAttention(Attention):
    """Attention between all positions, beside a way around it."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, n_heads=1, bias=True)
        self.group_norm = _normalization(channels, groups)

    def forward(self, hidden: Features) -> Features:  # type: ignore[override]
        tokens = self.group_norm(hidden.flatten(2)).transpose(1, 2)  # (B, H W, C)
        return hidden + super().forward(tokens).transpose(1, 2).reshape(hidden.shape)


class _Encoder(nn.Module):
    def __init__(self, config: AutoencoderConfig, n_values: int) -> None:
        super().__init__()
        widths, groups = config.block_channels, config.norm_groups or 1
        self.conv_in = nn.Conv2d(n_values, widths[0], kernel_size=3, padding=1)
        self.down_blocks = nn.ModuleList()
        for index, width in enumerate(widths):
            level = _level(widths[max(0, index - 1)], width, config.layers_per_block, groups)
            if index < len(widths) - 1:
                level["downsamplers"] = nn.ModuleList([Downsample(width, is_centered=False)])
            self.down_blocks.append(level)
        self.mid_block = _Middle(widths[-1], groups, has_attention=config.mid_attention)
        self.conv_norm_out = _normalization(widths[-1], groups)
        self.conv_out = nn.Conv2d(
            widths[-1], 2 * config.diffusion_channels, kernel_size=3, padding=1
        )

    def forward(self, picture: _Picture) -> _Moments:
        hidden = self.conv_in(picture)
        for level in self.down_blocks:
            hidden = level(hidden)
        hidden = functional.silu(self.conv_norm_out(self.mid_block(hidden)))
        moments: Tensor = self.conv_out(hidden)
        return moments


class _Decoder(nn.Module):
    def __init__(self, config: AutoencoderConfig, n_values: int) -> None:
        super().__init__()
        widths, groups = config.block_channels[::-1], config.norm_groups or 1
        self.conv_in = nn.Conv2d(config.diffusion_channels, widths[0], kernel_size=3, padding=1)
        self.up_blocks = nn.ModuleList()  # in diffusers' order, which names measured decoders
        self.mid_block = _Middle(widths[0], groups, has_attention=config.mid_attention)
        for index, width in enumerate(widths):
            level = _level(widths[max(0, index - 1)], width, config.layers_per_block + 1, groups)
            if index < len(widths) - 1:
                level["upsamplers"] = nn.ModuleList([Upsample(width)])
            self.up_blocks.append(level)
        self.conv_norm_out = _normalization(widths[-1], groups)
        self.conv_out: nn.Module = nn.Conv2d(widths[-1], n_values, kernel_size=3, padding=1)

    def forward(self, latent: DiffusionLatent) -> _Picture:
        hidden = self.mid_block(self.conv_in(latent))
        for level in self.up_blocks:
            hidden = level(hidden)
        picture: Tensor = self.conv_out(functional.silu(self.conv_norm_out(hidden)))
        return picture


def _level(in_channels: int, out_channels: int, n_blocks: int, groups: int) -> _Level:
    widths = [in_channels, *[out_channels] * n_blocks]
    blocks = [_residual(*pair, groups) for pair in pairwise(widths)]
    return _Level({"resnets": nn.ModuleList(blocks)})


def _residual(in_channels: int, out_channels: int, groups: int) -> ResidualBlock:
    return ResidualBlock(
        in_channels, out_channels, groups=groups, groups_out=groups, epsilon=_EPSILON
    )


def _normalization(channels: int, groups: int) -> nn.GroupNorm:
    return nn.GroupNorm(groups, channels, eps=_EPSILON)
