"""Crops drawn where training runs."""

import numpy as np
import pytest
import torch

from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.errors import ConfigError
from difficmh_core.training.data import Photographs
from difficmh_core.training.device_data import (
    DeviceCropSampler,
    EncodedCropSampler,
    with_reduced_copies,
)

CPU = torch.device("cpu")


@pytest.fixture
def photographs() -> Photographs:
    """Three photographs of noise, of different sizes, so that each crop occurs once."""
    random = np.random.default_rng(0)
    sizes = [(64, 91), (80, 64), (70, 75)]
    return Photographs(
        images=[random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes],
        probabilities=np.array([0.5, 0.2, 0.3]),
        sources=["one", "one", "two"],
    )


def holds(pixels, crop) -> bool:
    side = crop.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side, 3))[:, :, 0]
    return bool((windows == crop).all(axis=(2, 3, 4)).any())


def test_each_crop_is_cut_out_of_the_photograph_that_is_named(photographs):
    sampler = DeviceCropSampler(photographs, CPU, crop_px=32)
    crops, chosen = sampler.draw_from(24, np.random.default_rng(1))
    assert crops.shape == (24, 3, 32, 32)
    assert set(chosen.tolist()) == {0, 1, 2}
    n_flipped = 0
    for crop, index in zip(crops, chosen, strict=True):
        pixels = (crop.permute(1, 2, 0) * 255).round().byte().numpy()
        is_straight = holds(photographs.images[index], pixels)
        assert is_straight != holds(photographs.images[index], pixels[:, ::-1])
        n_flipped += not is_straight
    assert 4 < n_flipped < 20


def test_the_largest_crop_reaches_every_border(photographs):
    sampler = DeviceCropSampler(photographs, CPU, crop_px=64)
    crops, chosen = sampler.draw_from(8, np.random.default_rng(2))
    for crop, index in zip(crops, chosen, strict=True):
        pixels = (crop.permute(1, 2, 0) * 255).round().byte().numpy()
        assert any(holds(photographs.images[index], side) for side in (pixels, pixels[:, ::-1]))


def test_a_photograph_smaller_than_the_crops_is_refused(photographs):
    with pytest.raises(ConfigError, match=r"side of 64 px.*Choose smaller crops"):
        DeviceCropSampler(photographs, CPU, crop_px=128)


def test_reduced_copies_show_most_of_each_photograph(photographs):
    both = with_reduced_copies(photographs, crop_px=32)
    assert [image.shape[:2] for image in both.images[3:]] == [(32, 46), (40, 32), (32, 34)]
    assert both.probabilities.sum() == pytest.approx(1)
    assert both.probabilities[3:] == pytest.approx(photographs.probabilities / 2)
    assert both.sources[3:] == photographs.sources


def test_photographs_below_the_crop_are_enlarged(photographs):
    both = with_reduced_copies(photographs, crop_px=96)
    assert min(min(image.shape[:2]) for image in both.images) == 96


def test_crops_come_with_their_latents_and_tags(photographs):
    torch.manual_seed(0)
    autoencoder = Autoencoder(TINY.autoencoder).eval()
    crops = DeviceCropSampler(photographs, CPU, crop_px=32)
    tag_ids = [[1], [2, 3], []]
    batch = EncodedCropSampler(crops, autoencoder, tag_ids).draw(6, np.random.default_rng(3))
    _, chosen = crops.draw_from(6, np.random.default_rng(3))
    assert batch.tag_ids == [tag_ids[index] for index in chosen]
    with torch.no_grad():
        expected = autoencoder.encode(batch.image)
    # The sampler encodes in bfloat16 where that is fast.
    torch.testing.assert_close(batch.latent, expected, atol=0.05, rtol=0.05)
    hidden = EncodedCropSampler(crops, autoencoder, tag_ids, tag_dropout=1.0)
    assert hidden.draw(3, np.random.default_rng(0)).tag_ids == [[], [], []]
