"""Presets: decoding settings by name, for each profile.

nano's are the best found by measuring (``benchmarks/ablations``). Those of sd21 but ``paper`` are
taken from the literature and not tuned: second-order steps, guidance in the published interval of
noise levels, and a start from the file's content.

References:
    Kynkäänniemi et al.: Applying Guidance in a Limited Interval Improves Sample and Distribution
    Quality in Diffusion Models, 2024, https://arxiv.org/abs/2404.07724 (noise levels 0.28 to 5.42)
"""

from collections.abc import Mapping
from types import MappingProxyType

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.errors import ConfigError

__all__ = ["DEFAULT_PRESET", "preset_of", "presets_of"]

DEFAULT_PRESET = "fast"
"""How a file is decoded where nobody says how."""

_GUIDED = (0.073, 0.813)  # noise levels 0.28 to 5.42, as shares of Stable Diffusion's schedule
_PAPER = DecodeSettings(steps=50, guidance_scale=5.0, sampler=SamplerName.DDPM)  # as released
_SMALL: Mapping[str, DecodeSettings] = MappingProxyType(
    {
        "instant": DecodeSettings(
            steps=1, guidance_scale=1.0, sampler=SamplerName.DDIM, start=0.05
        ),
        "fast": DecodeSettings(steps=2, guidance_scale=1.0, sampler=SamplerName.DDIM, start=0.05),
        "paper": _PAPER,
    }
)
_PUBLISHED: Mapping[str, DecodeSettings] = MappingProxyType(
    {
        "instant": DecodeSettings(
            steps=6, guidance_scale=1.0, sampler=SamplerName.DPM_SOLVER, start=0.6
        ),
        "fast": DecodeSettings(
            steps=20,
            guidance_scale=5.0,
            guidance_interval=_GUIDED,
            sampler=SamplerName.DPM_SOLVER,
        ),
        "paper": _PAPER,
    }
)


def presets_of(profile: str) -> Mapping[str, DecodeSettings]:
    """The presets of a profile by name: ``instant``, ``fast`` and ``paper``."""
    return _PUBLISHED if profile == "sd21" else _SMALL


def preset_of(profile: str, name: str = DEFAULT_PRESET) -> DecodeSettings:
    """One preset of a profile.

    Raises:
        ConfigError: If there is no preset of this name.
    """
    presets = presets_of(profile)
    if name not in presets:
        raise ConfigError(f"There is no preset {name!r}. Choose one of {', '.join(presets)}.")
    return presets[name]
