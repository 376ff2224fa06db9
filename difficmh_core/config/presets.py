"""Presets: decoding settings by name, for each profile."""

from collections.abc import Mapping

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.profiles import profile_of
from difficmh_core.errors import ConfigError

DEFAULT_PRESET = "fast"
"""How a file is decoded where nobody says how."""


def presets_of(profile: str) -> Mapping[str, DecodeSettings]:
    """The presets of a profile by name: ``instant``, ``fast`` and ``paper``.

    Raises:
        ConfigError: If there is no such profile.
    """
    return profile_of(profile).presets


def preset_of(profile: str, name: str = DEFAULT_PRESET) -> DecodeSettings:
    """One preset of a profile.

    Raises:
        ConfigError: If there is no such profile, or no preset of this name.
    """
    presets = presets_of(profile)
    if name not in presets:
        raise ConfigError(f"There is no preset {name!r}. Choose one of {', '.join(presets)}.")
    return presets[name]
