"""The context model: what is already decoded predicts what comes next.

The latent y is coded in slices of channels, and each slice in two passes over a checkerboard::

    anchors (row + column odd)      others (row + column even)
      . a . a                         o . o .
      a . a .                         . o . o

A network for each pass predicts scale and mean of every value from the hyper features, from all
earlier slices (channel context), and, in the second pass, from the anchors around it (local
context). Every pass is computed on half the columns only: row by row, the positions of one color
are moved together.

``ContextModel.run`` walks through the passes and asks its caller for the values of each. Training
rounds them, the encoder rounds and collects them, the decoder reads them from the file: one walk
for all three.

References:
    He et al.: ELIC: Efficient Learned Image Compression with Unevenly Grouped Space-Channel
    Contextual Adaptive Coding, CVPR 2022, https://arxiv.org/abs/2203.10886
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.compression.layers import conv, conv_stack
from difficmh_core.config.networks import LatentCodecConfig
from difficmh_core.shapes import CodecLatent

HalfLatent: TypeAlias = Float[Tensor, "batch slice h16 w32"]
"""Values at the positions of one color, moved together within each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingPass:
    """One of the groups of values that are coded together.

    Attributes:
        first_channel: First channel of the slice.
        last_channel: The channel after the slice's last one.
        is_anchor: Whether these are the anchors, which are coded first.
    """

    first_channel: int
    last_channel: int
    is_anchor: bool

    def of(self, anchors: HalfLatent, others: HalfLatent) -> Float[Tensor, "batch part h16 w32"]:
        """Return the values of this pass out of a whole split latent."""
        return (anchors if self.is_anchor else others)[:, self.first_channel : self.last_channel]


CodeValues: TypeAlias = Callable[[CodingPass, HalfLatent, HalfLatent], HalfLatent]
"""Given a pass, its scales and its means, return the quantized values."""


def split_checkerboard(latent: CodecLatent) -> tuple[HalfLatent, HalfLatent]:
    """Return the anchors and the others of a latent with even height and width."""
    even_rows, odd_rows = latent[:, :, 0::2], latent[:, :, 1::2]
    anchors = torch.stack((even_rows[..., 1::2], odd_rows[..., 0::2]), dim=3)
    others = torch.stack((even_rows[..., 0::2], odd_rows[..., 1::2]), dim=3)
    # (batch, channels, row pairs, 2, half columns)
    return anchors.flatten(2, 3), others.flatten(2, 3)


def merge_checkerboard(anchors: HalfLatent, others: HalfLatent) -> CodecLatent:
    """Return the latent that :func:`split_checkerboard` takes apart."""
    even_rows = torch.stack((others[:, :, 0::2], anchors[:, :, 0::2]), dim=-1).flatten(3)
    odd_rows = torch.stack((anchors[:, :, 1::2], others[:, :, 1::2]), dim=-1).flatten(3)
    return torch.stack((even_rows, odd_rows), dim=3).flatten(2, 3)


def _entropy_parameters(in_channels: int, out_channels: int) -> nn.Module:
    """Return the network that turns all contexts into scales and means, position by position."""
    first, second = out_channels * 5 // 3, out_channels * 4 // 3
    return conv_stack(in_channels, first, second, out_channels, kernel=1)


class ContextModel(nn.Module):
    """Predicts scale and mean of every value of y, slice by slice and color by color."""

    def __init__(self, config: LatentCodecConfig) -> None:
        super().__init__()
        self.n_channels = config.latent_channels
        starts = (0, *accumulate(config.slice_channels))
        self.slices = tuple(pairwise(starts))
        hyper = 2 * config.latent_channels
        self.channel_context = nn.ModuleList()  # none for the first slice: nothing precedes it
        self.local_context = nn.ModuleList()
        self.anchor_parameters = nn.ModuleList()
        self.other_parameters = nn.ModuleList()
        for start, end in self.slices:
            both = 2 * (end - start)  # scales and means
            if start > 0:
                hidden = config.channel_context_channels
                self.channel_context.append(conv_stack(start, *hidden, both, kernel=5))
            self.local_context.append(conv(end - start, both, kernel=5))
            known = hyper + (both if start > 0 else 0)
            self.anchor_parameters.append(_entropy_parameters(known, both))
            self.other_parameters.append(_entropy_parameters(both + known, both))

    def run(
        self, hyper_features: Float[Tensor, "batch features h16 w16"], code: CodeValues
    ) -> CodecLatent:
        """Walk through all passes and return the whole quantized latent.

        Args:
            hyper_features: Output of the hyper synthesis.
            code: Called once for each pass, in coding order; returns its quantized values in the
                element type that the networks shall read.

        Returns:
            The quantized latent y_hat, assembled from what ``code`` returned.
        """
        hyper_anchors, hyper_others = split_checkerboard(hyper_features)
        decoded: list[Tensor] = []
        for index, (start, end) in enumerate(self.slices):
            known_anchors, known_others = [hyper_anchors], [hyper_others]
            if index > 0:
                context = self.channel_context[index - 1](torch.cat(decoded, dim=1))
                context_anchors, context_others = split_checkerboard(context)
                known_anchors.insert(0, context_anchors)
                known_others.insert(0, context_others)

            scales, means = self.anchor_parameters[index](torch.cat(known_anchors, 1)).chunk(2, 1)
            step = CodingPass(first_channel=start, last_channel=end, is_anchor=True)
            anchors = code(step, scales, means)

            around = merge_checkerboard(anchors, torch.zeros_like(anchors))
            _, local_others = split_checkerboard(self.local_context[index](around))
            known_others.insert(0, local_others)
            scales, means = self.other_parameters[index](torch.cat(known_others, 1)).chunk(2, 1)
            step = CodingPass(first_channel=start, last_channel=end, is_anchor=False)
            others = code(step, scales, means)

            decoded.append(merge_checkerboard(anchors, others))
        return torch.cat(decoded, dim=1)
