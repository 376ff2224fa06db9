"""The blocks of the U-Net: their widths, and the embedding of time."""

import pytest
import torch

from difficmh_core.config.networks import UNetConfig
from difficmh_core.diffusion.blocks import (
    TimeEmbedding,
    decoder_channels,
    encoder_channels,
    largest_divisor,
)


@pytest.mark.parametrize(("value", "bound", "expected"), [(64, 16, 16), (72, 16, 12), (73, 16, 1)])
def test_largest_divisor(value, bound, expected):
    assert largest_divisor(value, bound) == expected


def test_widths_of_the_full_size_blocks_are_the_published_ones():
    config = UNetConfig()
    assert encoder_channels(config, config.block_channels) == [320] * 4 + [640] * 3 + [1280] * 5
    assert decoder_channels(config) == [1280] * 7 + [640] * 3 + [320] * 2


def test_sinusoids_of_time_begin_with_cosines():
    embedding = TimeEmbedding(4, 4)
    embedding.layers = torch.nn.Identity()
    embedding.layers.linear_1 = torch.nn.Linear(1, 1)  # its element type is asked for
    timesteps = torch.tensor([0, 7])
    frequencies = torch.tensor([1.0, 0.01])
    angles = timesteps[:, None] * frequencies
    expected = torch.cat([angles.cos(), angles.sin()], dim=1)
    torch.testing.assert_close(embedding(timesteps), expected)
