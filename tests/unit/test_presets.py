"""The presets, and the noise levels between which the published system's guidance acts."""

import pytest

from difficmh_core.config.decoding import SamplerName
from difficmh_core.config.profiles import SD21, preset_of, presets_of
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.errors import ConfigError


@pytest.mark.parametrize("profile", ["nano", "sd21", "tiny"])
def test_every_profile_has_the_same_names_and_the_released_settings(profile):
    assert list(presets_of(profile)) == ["instant", "fast", "paper"]
    paper = preset_of(profile, "paper")
    assert (paper.steps, paper.guidance_scale, paper.sampler) == (50, 5.0, SamplerName.DDPM)
    with pytest.raises(ConfigError, match="instant, fast, paper"):
        preset_of(profile, "slow")


def test_the_published_systems_quick_ways():
    fast, instant = preset_of("sd21", "fast"), preset_of("sd21", "instant")
    assert (fast.steps, fast.sampler) == (20, SamplerName.DPM_SOLVER)
    assert instant.start < 1
    assert instant.guidance_scale == 1
    alpha_bar = NoiseSchedule(SD21.schedule).alpha_bar
    levels = [
        float(((1 - alpha_bar[t]) / alpha_bar[t]) ** 0.5)
        for t in (round(share * 1000) for share in fast.guidance_interval)
    ]
    assert levels == pytest.approx([0.28, 5.42], rel=0.01)
