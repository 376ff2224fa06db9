"""What a user sets when decoding: one table, of which everything that shows a setting is made.

To add a setting, add a field here and use it in :mod:`difficmh_core.diffusion` or the codec. The
command line, the page, the endpoints, links, reports and studies follow, and ``python -m
tests.documented_settings`` writes its row in ``docs/settings.md``.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any

from difficmh_core.config.kinds import Choice, Interval, Number, Seed, declared_in


class SamplerName(StrEnum):
    """How the decoder gets from noise to an image."""

    DDPM = "ddpm"
    """Respaced stochastic DDPM, what the authors' code runs."""
    DDIM = "ddim"
    """Deterministic DDIM, what the paper names."""
    DPM_SOLVER = "dpm-solver++"
    """Second-order multistep DPM-Solver++: good images in 10 to 20 steps."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DecodeSettings:
    """What a user sets when decoding; each field's declaration says what it does.

    What has no neutral value has no default: nobody decodes with steps that nobody chose. Most
    callers begin with a preset::

        replace(preset_of("nano", "fast"), steps=4)
    """

    steps: Annotated[
        int,
        Number(
            option="--steps",
            low=1,
            high=1000,
            slider=(1, 100),
            step=1,
            label="Steps",
            help="More steps take longer. The small model nano is best with one or two.",
            summary="Denoising steps, {low} to {high}",
        ),
    ]
    guidance_scale: Annotated[  # weight w in eps_u + w * (eps_c - eps_u)
        float,
        Number(
            option="--guidance",
            metavar="WEIGHT",
            low=1.0,
            high=30.0,
            slider=(1, 15),
            step=0.1,
            label="Guidance",
            help="How strongly the tags steer. 1 turns guidance off; 3 to 5 are usual.",
            summary="How strongly the tags steer, {low} (off) to {high}",
        ),
    ]
    guidance_interval: Annotated[  # outside it, steps ask the network once, not twice
        tuple[float, float],
        Interval(
            option="--guidance-interval",
            metavar=("LOW", "HIGH"),
            unit="fractions of the noise schedule",
            step=0.01,
            label="Guidance interval",
            help="Guidance acts between two noise levels, from 0 (clean) to 1 (pure noise).",
            ends={
                "guidance_low": "Noise level below which guidance stops; 0 keeps it to the end.",
                "guidance_high": "Noise level below which guidance begins; 1 begins at once.",
            },
        ),
    ] = (0.0, 1.0)
    sampler: Annotated[
        SamplerName,
        Choice(
            option="--sampler",
            labels={
                SamplerName.DDPM: "DDPM (authors' code)",
                SamplerName.DDIM: "DDIM",
                SamplerName.DPM_SOLVER: "DPM-Solver++",
            },
            label="Sampler",
            help="How the decoder gets from noise to an image.",
        ),
    ]
    seed: Annotated[
        int | None,
        Seed(
            option="--seed",
            label="Seed",
            help="A whole number that varies the invented detail; if empty, the file decides.",
            placeholder="from the file",
            summary="Seed of the starting noise, a whole number",
        ),
    ] = None
    start: Annotated[  # share of the noise schedule
        float,
        Number(
            option="--start",
            low=0,
            high=1,
            excludes_low=True,
            slider=(0.05, 1),
            step=0.05,
            label="Starting noise",
            help=(
                "1 starts from pure noise; lower values start from the content latent with noise "
                "added."
            ),
            summary=(
                "Where decoding starts: 1 is pure noise; lower values start from the content "
                "latent with noise added"
            ),
        ),
    ] = 1.0
    realism: Annotated[  # between 0 and 1, the two latents are blended
        float,
        Number(
            option="--realism",
            low=0.0,
            high=1.0,
            step=0.05,
            label="Realism",
            help="0 shows the image without diffusion, 1 the generated image.",
        ),
    ] = 1.0
    control_scale: Annotated[  # strength of the control module
        float,
        Number(
            option="--control",
            metavar="STRENGTH",
            low=0.0,
            high=2.0,
            step=0.05,
            label="Control",
            help="How strongly the content latent steers the diffusion model; 1 as trained.",
            summary="How strongly the content latent steers, {low} to {high}",
        ),
    ] = 1.0

    def __post_init__(self) -> None:
        """Refuse a value outside its range, so that no later code has to."""
        for setting in SETTINGS:
            setting.check(getattr(self, setting.name))

    def __repr__(self) -> str:
        """Write the settings the same way for good: digests of it name kept and measured results.

        The order of the fields does not matter, and a setting that came later than the first
        eight is written only where it differs from its default.
        """
        defaults = {field.name: field.default for field in fields(self)}
        words = (
            f"{name}={value!r}"
            for name, value in self.as_dict().items()
            if name in _FIRST or value != defaults[name]
        )
        return f"DecodeSettings({', '.join(words)})"

    def as_dict(self) -> dict[str, Any]:
        """The values by the names of the settings, for reports."""
        later = (setting.name for setting in SETTINGS if setting.name not in _FIRST)
        return {name: getattr(self, name) for name in (*_FIRST, *later)}


_FIRST = (
    "steps",
    "guidance_scale",
    "guidance_interval",
    "sampler",
    "seed",
    "control_scale",
    "start",
    "realism",
)
"""What there was to set when the first results were kept; stays as it is."""
SETTINGS = declared_in(DecodeSettings)
"""Every decoding setting, in the order of the command line."""
CONTROL_NAMES = tuple(
    control.name
    for setting in sorted(SETTINGS, key=lambda setting: len(setting.controls))
    for control in setting.controls
)
"""Names of the page's controls: of the settings in their order, those of intervals last."""


def controls_of(settings: DecodeSettings) -> dict[str, float | str]:
    """What the controls of the page hold for these settings, by the controls' names."""
    held = dict[str, float | str]()
    for setting in SETTINGS:
        values = setting.as_controls(getattr(settings, setting.name))
        held |= {
            control.name: value for control, value in zip(setting.controls, values, strict=True)
        }
    return {name: held[name] for name in CONTROL_NAMES}


def options_of(settings: DecodeSettings) -> list[str]:
    """The options of ``python -m difficmh_core decode`` that mean these settings."""
    words = (setting.as_words(getattr(settings, setting.name)) for setting in SETTINGS)
    return list(chain.from_iterable(words))
