"""The layers of Stable Diffusion's networks; weights have the names that diffusers gives them.

Importing diffusers' own takes four times as long as running them on a photograph: one class brings
every model it has, transformers and a compiler. The tests hold these equal to diffusers'.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, CVPR 2022,
    https://arxiv.org/abs/2112.10752
    Vaswani et al.: Attention Is All You Need, 2017, section 3.2, https://arxiv.org/abs/1706.03762
    Shazeer: GLU Variants Improve Transformer, 2020 (GEGLU), https://arxiv.org/abs/2002.05202
"""

import math
from typing import TypeAlias, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.shapes import Timesteps

Features: TypeAlias = Float[Tensor, "batch channels height width"]
Tokens: TypeAlias = Float[Tensor, "batch tokens channels"]
KeysAndValues: TypeAlias = Float[Tensor, "batch context_tokens keys_and_values"]

_TRANSFORMER_EPSILON = 1e-6  # of the group normalization before a transformer
_EXPANSION = 4  # of a feed-forward network
_LONGEST_PERIOD = 10_000


class ResidualBlock(nn.Module):
    """Two normalized convolutions beside a way around them; the time embedding shifts between."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        groups: int,
        groups_out: int,
        epsilon: float,
        time_channels: int | None = None,
    ) -> None:
        """Build the layers.

        Args:
            in_channels: Width of what is read.
            out_channels: Width of what is returned.
            groups: Groups of the first normalization.
            groups_out: Groups of the second normalization.
            epsilon: What both normalizations add to the variance.
            time_channels: Width of the time embedding; ``None`` without one.
        """
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, in_channels, eps=epsilon)
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        self.time_emb_proj = nn.Linear(time_channels, out_channels) if time_channels else None
        self.norm2 = nn.GroupNorm(groups_out, out_channels, eps=epsilon)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
        self.conv_shortcut = (
            nn.Conv2d(in_channels, out_channels, kernel_size=1)
            if in_channels != out_channels
            else None
        )

    def forward(
        self,
        hidden: Float[Tensor, "batch in_channels height width"],
        time: Float[Tensor, "batch time_channels"] | None = None,
    ) -> Float[Tensor, "batch out_channels height width"]:
        """Return features of the same height and width."""
        inner: Tensor = self.conv1(functional.silu(self.norm1(hidden)))
        if self.time_emb_proj is not None and time is not None:
            inner = inner + self.time_emb_proj(functional.silu(time))[:, :, None, None]
        inner = self.conv2(functional.silu(self.norm2(inner)))
        if self.conv_shortcut is not None:
            hidden = self.conv_shortcut(hidden)
        return hidden + inner


class Downsample(nn.Module):
    """A convolution that halves height and width."""

    def __init__(self, channels: int, *, is_centered: bool) -> None:
        """Build the convolution.

        Args:
            channels: Width of what is read and returned.
            is_centered: Whether zeros surround the features, as in the U-Net, or follow them at
                the right and below, as in the autoencoder.
        """
        super().__init__()
        self.is_centered = is_centered
        self.conv = nn.Conv2d(
            channels, channels, kernel_size=3, stride=2, padding=1 if is_centered else 0
        )

    def forward(self, hidden: Features) -> Float[Tensor, "batch channels half_height half_width"]:
        """Return features of half the height and width."""
        if not self.is_centered:
            hidden = functional.pad(hidden, (0, 1, 0, 1))
        halved: Tensor = self.conv(hidden)
        return halved


class Upsample(nn.Module):
    """Doubling of height and width, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, hidden: Features) -> Float[Tensor, "batch channels 2*height 2*width"]:
        """Return features of twice the height and width."""
        doubled: Tensor = self.conv(functional.interpolate(hidden, scale_factor=2.0))
        return doubled


class Attention(nn.Module):
    """Scaled dot products between tokens, or with keys and values that are given."""

    def __init__(
        self, channels: int, *, n_heads: int, context_channels: int | None = None, bias: bool
    ) -> None:
        """Build the projections.

        Args:
            channels: Width of the tokens; the heads share it.
            n_heads: Number of heads.
            context_channels: Width of what keys and values are made of; ``None``: the tokens.
            bias: Whether queries, keys and values have one.
        """
        super().__init__()
        self.n_heads = n_heads
        self.to_q = nn.Linear(channels, channels, bias=bias)
        self.to_k = nn.Linear(context_channels or channels, channels, bias=bias)
        self.to_v = nn.Linear(context_channels or channels, channels, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def keys_and_values(
        self, context: Float[Tensor, "batch context_tokens context_channels"]
    ) -> KeysAndValues:
        """Return keys and then values side by side, for :meth:`forward`."""
        return torch.cat([self.to_k(context), self.to_v(context)], dim=-1)

    def forward(self, tokens: Tokens, keys_and_values: KeysAndValues | None = None) -> Tokens:
        """Attend from each token; without keys and values, to all tokens."""
        if keys_and_values is None:
            keys, values = self.to_k(tokens), self.to_v(tokens)
        else:
            keys, values = keys_and_values.chunk(2, dim=-1)
        query, key, value = (
            joint.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, heads, N, d)
            for joint in (self.to_q(tokens), keys, values)
        )
        heads = functional.scaled_dot_product_attention(query, key, value)
        gathered: Tensor = self.to_out[0](heads.transpose(1, 2).flatten(2))
        return gathered


class SpatialTransformer(nn.Module):
    """Self-attention, cross-attention to the context and a feed-forward network, for features."""

    def __init__(self, channels: int, *, n_heads: int, context_channels: int, groups: int) -> None:
        """Build the layers.

        Args:
            channels: Width of the features.
            n_heads: Number of heads of both attentions.
            context_channels: Width of the context.
            groups: Groups of the normalization.
        """
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=_TRANSFORMER_EPSILON)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            [_TransformerBlock(channels, n_heads, context_channels)]
        )
        self.proj_out = nn.Linear(channels, channels)

    @property
    def cross_attention(self) -> Attention:
        """What reads the context."""
        return cast(Attention, self.transformer_blocks[0].attn2)

    def forward(self, hidden: Features, keys_and_values: KeysAndValues) -> Features:
        """Return features of the same size.

        Args:
            hidden: Features, whose positions become tokens.
            keys_and_values: What :attr:`cross_attention` made of the context.
        """
        tokens: Tensor = self.proj_in(self.norm(hidden).flatten(2).transpose(1, 2))  # (B, H W, C)
        tokens = self.proj_out(self.transformer_blocks[0](tokens, keys_and_values))
        return hidden + tokens.transpose(1, 2).reshape(hidden.shape)


class _TransformerBlock(nn.Module):
    def __init__(self, channels: int, n_heads: int, context_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, n_heads=n_heads, bias=False)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = Attention(
            channels, n_heads=n_heads, context_channels=context_channels, bias=False
        )
        self.norm3 = nn.LayerNorm(channels)
        self.ff = _FeedForward(channels)

    def forward(self, tokens: Tokens, keys_and_values: KeysAndValues) -> Tokens:
        tokens = self.attn1(self.norm1(tokens)) + tokens
        tokens = self.attn2(self.norm2(tokens), keys_and_values) + tokens
        tokens = self.ff(self.norm3(tokens)) + tokens
        return tokens


class _FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        width = _EXPANSION * channels
        # Index 1 is dropout in diffusers, which names the last layer net.2.
        self.net = nn.Sequential(
            _Gated(channels, width), nn.Identity(), nn.Linear(width, channels)
        )

    def forward(self, tokens: Tokens) -> Tokens:
        tokens = self.net(tokens)
        return tokens


class _Gated(nn.Module):
    """A linear layer whose second half, through a GELU, scales its first (GEGLU)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * width)

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch tokens width"]:
        values, gates = cast(Tensor, self.proj(tokens)).chunk(2, dim=-1)
        return values * functional.gelu(gates)


class TimeEmbedding(nn.Module):
    """Sinusoids of the timestep (cosines first), then two linear layers."""

    def __init__(self, channels: int, width: int) -> None:
        """Build the layers.

        Args:
            channels: Number of sinusoids, even.
            width: Width of the embedding.
        """
        super().__init__()
        self.channels = channels
        self.layers = _TwoLayers(channels, width)

    def forward(self, timesteps: Timesteps) -> Float[Tensor, "batch time_channels"]:
        """Return the embedding of each timestep."""
        n_frequencies = self.channels // 2
        index = torch.arange(n_frequencies, dtype=torch.float32, device=timesteps.device)
        angles = timesteps[:, None].float() * torch.exp(
            -math.log(_LONGEST_PERIOD) * index / n_frequencies
        )
        sinusoids = torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)
        embedding: Tensor = self.layers(sinusoids.to(self.layers.linear_1.weight.dtype))
        return embedding


class _TwoLayers(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(channels, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(
        self, values: Float[Tensor, "batch channels"]
    ) -> Float[Tensor, "batch time_channels"]:
        embedding: Tensor = self.linear_2(functional.silu(self.linear_1(values)))
        return embedding
