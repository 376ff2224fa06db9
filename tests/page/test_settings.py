"""What programs send as settings: any JSON, and either settings in range or words come of it."""

import pytest

from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import ConfigError
from difficmh_core.ui.api import chosen_settings
from difficmh_core.ui.runtime.requests import read_number, read_request, read_words


def test_what_a_program_leaves_open_is_the_presets():
    settings = chosen_settings("nano", "paper", steps=0, sampler="", realism=-1, seed="7")
    assert settings.seed == 7
    assert settings.steps == preset_of("nano", "paper").steps


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True, "1", []])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ConfigError, match="must be a number"):
        read_number("steps", value)


@pytest.mark.parametrize("preset", [[], {}, None, 3])
def test_a_preset_that_is_no_word_is_refused(preset):
    with pytest.raises(ConfigError, match="no preset"):
        chosen_settings("nano", preset)


@pytest.mark.parametrize("words", [1, "tabby", [1], [{}], [["tabby"]], {"tabby": 1}])
def test_what_is_no_list_of_words_is_refused(words):
    with pytest.raises(ConfigError, match="must be a list of words"):
        read_words("tags", words)
    with pytest.raises(ConfigError, match="must be a list of words"):
        read_request("quality", 50, 0, True, 0, words)


def test_words_are_taken_as_they_are():
    assert read_request("quality", 50, 0, True, 0, ["tabby", "cat"]).tags == ("tabby", "cat")
    assert read_request("quality", 50, 0, True, 0, None).tags == ()
