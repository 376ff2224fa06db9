"""Facts of a profile: declared once, and true."""

import pytest

from difficmh_core.config.profiles import PROFILES, profile_of
from difficmh_core.errors import ConfigError
from difficmh_core.models.load import cost_notice
from difficmh_core.weights.hub_cards import CHECKPOINTS
from difficmh_core.weights.network_card import NANO_FOLDER


def test_what_codes_at_every_quality_has_no_rates():
    for profile in PROFILES.values():
        assert bool(profile.rates) == (profile.config.latent_codec.n_rate_points == 1)
    assert PROFILES["sd21"].rates == tuple(CHECKPOINTS) == (2, 4, 8, 16, 32)


def test_packaged_weights_are_there():
    packaged = [profile.name for profile in PROFILES.values() if profile.is_packaged]
    assert packaged == [NANO_FOLDER.name]


def test_only_the_published_system_costs_much_on_a_cpu():
    told = {name: cost_notice(name, "cpu") for name in PROFILES}
    assert [name for name, notice in told.items() if notice] == ["sd21"]
    assert cost_notice("sd21", "cuda") is None


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"no profile 'large'\. Choose one of nano, sd21, tiny"):
        profile_of("large")
