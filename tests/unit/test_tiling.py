"""Large latents in tiles: nothing is left out, and what agrees blends to itself."""

import itertools

import pytest
import torch

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.tiling import Tiling, in_tiles, tile_starts
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError

SMALL = Tiling(untiled_area=300, tile=16, overlap=4)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 28, 29, 100, 1000])
def test_tiles_cover_every_position_and_overlap(length):
    starts = tile_starts(length, 16, 4)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - 16)
    assert all(second - first <= 12 for first, second in itertools.pairwise(starts))


def test_what_does_not_look_around_is_the_same_in_tiles():
    first, second = torch.randn(2, 4, 37, 50), torch.randn(2, 4, 37, 50)
    sizes = []

    def function(crops):
        sizes.append(tuple(crops[0].shape[-2:]))
        return crops[0] * 2 + crops[1]

    blended = in_tiles(function, (first, second), SMALL)
    torch.testing.assert_close(blended, first * 2 + second)
    assert set(sizes) == {(16, 16)}


def test_a_small_latent_runs_whole():
    x = torch.randn(1, 4, 15, 20)
    assert in_tiles(lambda crops: crops[0], (x,), SMALL) is x


def test_no_seam_where_tiles_disagree():
    values = iter(range(100))
    x = torch.zeros(1, 1, 16, 64)
    blended = in_tiles(lambda crops: crops[0] + next(values), (x,), SMALL)[0, 0, 8]
    steps = blended.diff()
    assert steps.min() >= 0
    assert steps.max() < 0.5


def test_the_decoder_tiles_large_pictures():
    config = TINY
    torch.manual_seed(0)
    unet = ControlledUNet(DenoisingUNet(config.unet), ControlModule(config.unet, config.control))
    schedule, context = NoiseSchedule(config.schedule), torch.randn(1, 16, 16)
    content = torch.randn(1, 4, 24, 40)
    settings = DecodeSettings(steps=2, guidance_scale=2.0, sampler=SamplerName.DPM_SOLVER)

    def decoded(tiling):
        decoder = DiffusionDecoder(unet.eval(), schedule, tiling)
        *_, last = decoder.steps(content, context, torch.zeros_like(context), settings, 3)
        return last.latent

    whole, tiled = decoded(None), decoded(SMALL)
    assert tiled.shape == whole.shape
    assert not torch.equal(tiled, whole)
    assert torch.nn.functional.cosine_similarity(tiled.flatten(), whole.flatten(), dim=0) > 0.9


@pytest.mark.parametrize("changes", [{"tile": 20}, {"overlap": 128}, {"overlap": 0}])
def test_impossible_tiles_are_refused(changes):
    with pytest.raises(ConfigError, match="multiple of 8"):
        Tiling(**changes)
