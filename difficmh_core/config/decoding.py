"""What a user sets when decoding, frozen, typed and checked once."""

import math
from dataclasses import dataclass
from enum import StrEnum

from difficmh_core.errors import ConfigError

__all__ = ["DecodeSettings", "SamplerName"]


class SamplerName(StrEnum):
    """How the decoder walks from noise to picture."""

    DDPM = "ddpm"
    """Respaced stochastic DDPM, what the released program runs."""
    DDIM = "ddim"
    """Deterministic DDIM, what the paper names."""
    DPM_SOLVER = "dpm-solver++"
    """Second-order multistep DPM-Solver++: good pictures in 10 to 20 steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSettings:
    """What a user sets when decoding.

    Attributes:
        steps: Denoising steps, 1 to 1000.
        guidance_scale: Weight w in ``eps_u + w * (eps_c - eps_u)``, 1 to 30; 1 turns guidance off.
        guidance_interval: Between which shares of the noise schedule guidance acts, in [0, 1],
            0 being a clean picture; steps outside ask the network once, not twice.
        sampler: How the decoder walks from noise to picture.
        seed: Seed of the start noise, 0 to 2**63 - 1; ``None`` takes the file's checksum.
        control_scale: Strength of the control module, 0 to 2; 1 as trained.
        start: Where on the noise schedule decoding begins, in (0, 1]: 1 is pure noise, less is the
            content latent noised to that part of the schedule.
        realism: 0 shows the decoded content latent without diffusion, 1 the generated picture,
            values between blend the two latents.
    """

    steps: int = 20
    guidance_scale: float = 2.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    sampler: SamplerName = SamplerName.DPM_SOLVER
    seed: int | None = None
    control_scale: float = 1.0
    start: float = 1.0
    realism: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a value outside its range, so that no later code has to."""
        _check_range("steps", self.steps, 1, 1000)
        _check_range("guidance_scale", self.guidance_scale, 1.0, 30.0)
        low, high = self.guidance_interval
        if not 0 <= low <= high <= 1:
            raise ConfigError(
                "guidance_interval must be two ascending shares of the schedule in 0 to 1, got "
                f"{low} to {high}."
            )
        _check_range("control_scale", self.control_scale, 0.0, 2.0)
        _check_range("realism", self.realism, 0.0, 1.0)
        if not 0 < self.start <= 1:
            raise ConfigError(f"start must lie in (0, 1], got {self.start}.")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed must lie in 0 to 2**63 - 1, got {self.seed}.")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{name} must lie in {low} to {high}, got {value}.")
