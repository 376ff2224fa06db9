"""The profiles: which networks, by name, and all that tells one profile from another.

``nano`` ships with this package and runs on two CPU cores. ``sd21`` is the published system.
``tiny`` has random weights: the real classes in a size for tests, never a picture to look at.

nano's presets are the best found by measuring (``benchmarks/ablations``). Those of sd21 but
``paper`` are taken from the literature and not tuned: second-order steps, guidance in the
published interval of noise levels, and a start from the file's content.

References:
    Kynkäänniemi et al.: Applying Guidance in a Limited Interval Improves Sample and Distribution
    Quality in Diffusion Models, 2024, https://arxiv.org/abs/2404.07724 (noise levels 0.28 to 5.42)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.networks import (
    AutoencoderConfig,
    CodecConfig,
    ConditioningConfig,
    ControlConfig,
    LatentCodecConfig,
    PredictionType,
    ScheduleConfig,
    TextTowerConfig,
    UNetConfig,
)
from difficmh_core.errors import ConfigError

DEFAULT_RATE = 4
"""Which of sd21's checkpoints, where none is named."""
DEFAULT_PRESET = "fast"
"""How a file is decoded where nobody says how."""
SD21 = CodecConfig(conditioning=ConditioningConfig(text_tower=TextTowerConfig()))
"""The published sizes."""

NANO = CodecConfig(
    profile="nano",
    autoencoder=AutoencoderConfig(
        block_channels=(128, 256),
        layers_per_block=1,
        mid_attention=False,
        norm_groups=None,
        patch_px=4,
        detail_channels=(96, 32),
        scaling_factor=1.0869361198615195,  # measured by the training stage 'latents'
        diffusion_channels=8,
    ),
    unet=UNetConfig(
        block_channels=(32, 64, 96),
        attention_levels=(False, True, True),
        layers_per_block=1,
        head_channels=16,
        context_channels=64,
        norm_groups=8,
        diffusion_channels=8,
    ),
    control=ControlConfig(width=1.0, head_channels=8),
    latent_codec=LatentCodecConfig(
        stage_channels=(32, 64, 128, 128),
        hyper_channels=64,
        latent_channels=96,
        prior_channels=32,
        modulation_channels=48,
        slice_channels=(8, 8, 16, 24, 40),
        channel_context_channels=(96, 64),
        n_rate_points=4,
        mean_grid_bits=8,
        diffusion_channels=8,
    ),
    conditioning=ConditioningConfig(vocabulary="imagenet+coco", vocabulary_size=1080, max_tags=16),
    schedule=ScheduleConfig(prediction=PredictionType.V),
    rate_weights=(22.6, 0.585),  # of the last stage, 16 to 0.9, at what are the ends now
)

TINY = CodecConfig(
    profile="tiny",
    autoencoder=AutoencoderConfig(
        block_channels=(8, 8, 16, 16),
        layers_per_block=1,
        mid_attention=False,
        norm_groups=4,
    ),
    unet=UNetConfig(
        block_channels=(16, 32),
        attention_levels=(False, True),
        layers_per_block=1,
        head_channels=16,
        context_channels=16,
        norm_groups=8,
    ),
    control=ControlConfig(width=0.5, head_channels=8),
    latent_codec=LatentCodecConfig(
        stage_channels=(8, 8, 12, 12),
        hyper_channels=8,
        latent_channels=16,
        prior_channels=8,
        modulation_channels=8,
        slice_channels=(4, 4, 8),
        channel_context_channels=(16, 12),
        n_rate_points=4,
        mean_grid_bits=8,
    ),
    conditioning=ConditioningConfig(vocabulary="imagenet+coco", vocabulary_size=1080, max_tags=16),
    schedule=ScheduleConfig(prediction=PredictionType.V),
    rate_weights=(10.0, 1.0),  # nobody trained it: as good as any
)
"""The real architecture in a size that runs in well under a second on two cores."""


Presets = Mapping[str, DecodeSettings]
"""Decoding settings by name."""

_GUIDED = (0.073, 0.813)  # noise levels 0.28 to 5.42, as shares of Stable Diffusion's schedule
_PAPER = DecodeSettings(steps=50, guidance_scale=5.0, sampler=SamplerName.DDPM)  # as released
_SMALL: Presets = MappingProxyType(
    {
        "instant": DecodeSettings(
            steps=1, guidance_scale=1.0, sampler=SamplerName.DDIM, start=0.05
        ),
        "fast": DecodeSettings(steps=2, guidance_scale=1.0, sampler=SamplerName.DDIM, start=0.05),
        "paper": _PAPER,
    }
)
_PUBLISHED: Presets = MappingProxyType(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A set of networks.

    Attributes:
        number: In the file format; never given twice.
        config: Of the networks.
        presets: Its decoding settings by name: ``instant``, ``fast`` and ``paper``.
        rates: Those of its checkpoints, where each codes with one rate only, which files hold in
            the place of the quality.
        is_packaged: Whether its weights ship with this package.
        cost_on_cpu: What it takes on a CPU, if that is long.
    """

    number: int
    config: CodecConfig
    presets: Presets
    rates: tuple[int, ...] = ()
    is_packaged: bool = False
    cost_on_cpu: str | None = None

    @property
    def name(self) -> str:
        """As command lines take it."""
        return self.config.profile

    @property
    def vocabulary(self) -> str:
        """Name of its tag vocabulary, see :mod:`difficmh_core.tagging`."""
        return self.config.conditioning.vocabulary

    @property
    def vocabulary_size(self) -> int:
        """Number of tags that it knows."""
        return self.config.conditioning.vocabulary_size


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(number=1, config=NANO, presets=_SMALL, is_packaged=True),
            Profile(
                number=2,
                config=SD21,
                presets=_PUBLISHED,
                rates=(2, 4, 8, 16, 32),
                cost_on_cpu="Profile sd21 on a CPU takes about 46 s for each evaluation of its "
                "networks (512 x 512 px, two cores): 77 minutes for 50 steps with guidance, and "
                "10 GB of memory. Use --device cuda, or --profile nano, which takes seconds.",
            ),
            Profile(number=255, config=TINY, presets=_SMALL),
        )
    }
)
"""The profiles by their names."""
PROFILE_NAMES = tuple(PROFILES)
NUMBERED_PROFILES = MappingProxyType({profile.number: profile for profile in PROFILES.values()})
"""The profiles by their numbers in the file format."""


def either_of(words: Iterable[object]) -> str:
    """What one can choose from, as help says it.

    >>> either_of(PROFILES["sd21"].rates)
    '2, 4, 8, 16 or 32'
    """
    *others, last = map(str, words)
    return f"{', '.join(others)} or {last}"


RATE_HELP = (
    f"with sd21: {either_of(PROFILES['sd21'].rates)}; larger makes smaller files "
    "(default %(default)s)"
)
"""What the option of the rate says."""


def profile_of(name: str) -> Profile:
    """Find a profile by its name.

    Raises:
        ConfigError: If there is none of this name.
    """
    if name not in PROFILES:
        raise ConfigError(
            f"There is no profile {name!r}. Choose one of {', '.join(PROFILE_NAMES)}."
        )
    return PROFILES[name]


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
