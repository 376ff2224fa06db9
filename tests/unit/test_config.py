"""A setting outside its range is refused when it is made, and nowhere later."""

import dataclasses
import math
from dataclasses import replace

import pytest

from difficmh_core.config.decoding import SamplerName
from difficmh_core.config.networks import (
    AutoencoderConfig,
    CodecConfig,
    ControlConfig,
    LatentCodecConfig,
    UNetConfig,
)
from difficmh_core.config.profiles import TINY, preset_of
from difficmh_core.errors import ConfigError

PAPER = preset_of("nano", "paper")


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("steps", [1, 20, 1000], [0, -1, 1001]),
        ("guidance_scale", [1.0, 5.0, 30.0], [0.99, 31.0, math.nan, math.inf]),
        ("control_scale", [0.0, 1.0, 2.0], [-0.1, 2.1, math.nan]),
        ("start", [0.01, 1.0], [0.0, -0.5, 1.01, math.nan]),
        ("realism", [0.0, 0.5, 1.0], [-0.01, 1.01, math.nan]),
        ("seed", [0, None, 2**63 - 1], [-1, 2**63]),
    ],
)
def test_decode_settings_know_their_ranges(name, inside, outside):
    for value in inside:
        assert getattr(replace(PAPER, **{name: value}), name) == value
    for value in outside:
        with pytest.raises(ConfigError, match=rf"^{name} must lie in .*\.$"):
            replace(PAPER, **{name: value})


@pytest.mark.parametrize("interval", [(-0.1, 1.0), (0.0, 1.1), (0.8, 0.2), (math.nan, 1.0)])
def test_guidance_acts_between_two_ascending_fractions(interval):
    with pytest.raises(ConfigError, match="guidance_interval must be two ascending fractions"):
        replace(PAPER, guidance_interval=interval)


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAPER.steps = 5
    assert replace(PAPER, steps=5).steps == 5


def test_replacing_a_setting_checks_it_again():
    with pytest.raises(ConfigError):
        replace(PAPER, steps=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AutoencoderConfig(block_channels=(8, 8, 8)),
        lambda: UNetConfig(attention_levels=(True,)),
        lambda: ControlConfig(width=0.0),
        lambda: ControlConfig(width=1.5),
        lambda: LatentCodecConfig(slice_channels=(8, 8)),
        lambda: LatentCodecConfig(n_rate_points=0),
        lambda: LatentCodecConfig(mean_grid_bits=21),
        lambda: CodecConfig(unet=UNetConfig(diffusion_channels=8)),
    ],
)
def test_widths_that_do_not_fit_together_are_refused(make):
    with pytest.raises(ConfigError, match=r"\.$"):
        make()


def test_the_defaults_are_the_published_widths():
    config = CodecConfig()
    assert config.unet.block_channels == (320, 640, 1280, 1280)
    assert config.latent_codec.slice_channels == (8, 8, 8, 8, 16, 16, 32, 32, 96, 96)
    assert config.autoencoder.scaling_factor == 0.18215
    assert config.conditioning.vocabulary_size == 4585


def test_tiny_has_every_part_that_the_real_profiles_have():
    assert TINY.profile == "tiny"
    assert TINY.latent_codec.n_rate_points > 1
    assert len(TINY.latent_codec.slice_channels) > 1
    assert any(TINY.unet.attention_levels)


def test_samplers_are_named_as_users_write_them():
    assert [str(name) for name in SamplerName] == ["ddpm", "ddim", "dpm-solver++"]
