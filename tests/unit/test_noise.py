"""Noise is a promise: these tests fix its numbers."""

import numpy as np
import torch

from difficmh_core.diffusion.noise import PortableNoise

SEED = 231


def test_noise_is_the_documented_one():
    words = np.random.Philox(key=SEED).random_raw(2)
    first, second = (((int(word) >> 11) + 0.5) / 2**53 for word in words)
    radius = (-2 * np.log(first)) ** 0.5
    expected = [radius * np.cos(2 * np.pi * second), radius * np.sin(2 * np.pi * second)]
    drawn = PortableNoise(SEED).draw(torch.empty(2))
    torch.testing.assert_close(drawn, torch.tensor(expected, dtype=torch.float32))


def test_noise_is_standard_normal():
    numbers = PortableNoise(2**63).draw(torch.empty(100_001)).double()
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.std() - 1) < 0.01
    assert abs((numbers**4).mean() - 3) < 0.1


def test_an_odd_number_of_values_drops_the_second_of_a_pair():
    noise = PortableNoise(SEED)
    whole = PortableNoise(SEED).draw(torch.empty(8))
    assert torch.equal(noise.draw(torch.empty(3)), whole[:3])
    assert torch.equal(noise.draw(torch.empty(4)), whole[4:])
