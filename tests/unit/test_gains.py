"""Gains rise with quality, and their logarithm is interpolated."""

import torch

from difficmh_core.compression.gains import Gains


def test_spread_and_monotony():
    gains = Gains(4, 3, spread=8.0)
    gain = gains.gain(torch.linspace(0, 1, 11))[:, 0, 0, 0]
    assert (gain.diff() > 0).all()
    torch.testing.assert_close(gain[-1] / gain[0], torch.tensor(8.0))


def test_inverse_gain_starts_as_the_reciprocal():
    gains, quality = Gains(3, 2, spread=8.0), torch.rand(5)
    product = gains.gain(quality) * gains.inverse_gain(quality)
    torch.testing.assert_close(product, torch.ones(5, 2, 1, 1))


def test_interpolation_between_learned_points():
    gains = Gains(3, 1, spread=4.0)
    gains.log_gain.data = torch.tensor([[0.0], [1.0], [5.0]])
    quality = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    expected = torch.tensor([0.0, 0.5, 1.0, 3.0, 5.0]).exp()
    torch.testing.assert_close(gains.gain(quality).flatten(), expected)
