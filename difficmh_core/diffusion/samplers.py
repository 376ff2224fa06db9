"""Samplers: from noise to a clean latent, step by step.

All walk the noise schedule downwards from a start, and all ask the network once per step. With
``alpha_bar`` the signal variance and x the latent:

``ddpm``
    The released program's: the chain of those timesteps alone is a diffusion process of its own,
    whose betas follow from the ratios of alpha_bar; each step draws from its posterior
    ("fixed small" variance).
``ddim``
    The same clean prediction, carried to the next timestep without new noise.
``dpm-solver++``
    Second-order multistep solver of the same ordinary differential equation (diffusers).

References:
    Ho, Jain, Abbeel: Denoising Diffusion Probabilistic Models, 2020, eq. 6 and 7,
    https://arxiv.org/abs/2006.11239
    Nichol, Dhariwal: Improved Denoising Diffusion Probabilistic Models, 2021, section 4
    (respacing), https://arxiv.org/abs/2102.09672
    Song, Meng, Ermon: Denoising Diffusion Implicit Models, 2021, eq. 12 with sigma = 0,
    https://arxiv.org/abs/2010.02502
    Lu et al.: DPM-Solver++, 2022, algorithm 2, https://arxiv.org/abs/2211.01095
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from difficmh_core.config.decoding import SamplerName
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.errors import ConfigError
from difficmh_core.shapes import DiffusionLatent

if TYPE_CHECKING:
    from diffusers import DPMSolverMultistepScheduler

Predictor = Callable[[DiffusionLatent, int], DiffusionLatent]
"""The network with guidance: ``(latent, timestep)`` to what the schedule says it predicts."""
NoiseDraw = Callable[[], DiffusionLatent]
"""Draws standard normal noise of the latent's shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SamplerStep:
    """The state after one denoising step.

    Attributes:
        index: Steps done so far, 1 to ``total``.
        total: Number of steps in all.
        latent: The latent, still noisy until the last step.
        clean: The prediction of the noise-free latent, for previews.
    """

    index: int
    total: int
    latent: DiffusionLatent
    clean: DiffusionLatent


def sampler_timesteps(
    sampler: SamplerName, steps: int, *, start: float = 1.0, n_timesteps: int = 1000
) -> tuple[int, ...]:
    """Return the timesteps at which the network is asked, descending.

    Only timesteps below ``start`` are walked, and all ``steps`` lie among them. DDPM spreads them
    from the first to timestep 0, as the released program does; DDIM and DPM-Solver++ end one
    stride above a clean latent ("trailing"), since a step at timestep 0 would change nothing.

    Args:
        sampler: Which sampler.
        steps: Number of steps that are walked.
        start: Part of the schedule that is walked, in (0, 1]; 1 begins at pure noise.
        n_timesteps: Timesteps of training.

    Raises:
        ConfigError: If ``start`` leaves fewer timesteps than ``steps``.
    """
    available = max(1, round(start * n_timesteps))
    if steps > available:
        raise ConfigError(
            f"Start {start:g} leaves {available} of {n_timesteps} timesteps, but {steps} steps "
            "were asked for. Take fewer steps or a later start."
        )
    top = available - 1
    if steps == 1:
        return (top,)
    if sampler is SamplerName.DDPM:
        stride, position, ascending = top / (steps - 1), 0.0, list[int]()
        for _ in range(steps):
            ascending.append(round(position))
            position += stride
        return tuple(reversed(ascending))
    return tuple(round(available * (steps - done) / steps) - 1 for done in range(steps))


def sampler_steps(
    sampler: SamplerName,
    latent: DiffusionLatent,
    predict: Predictor,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    draw_noise: NoiseDraw,
    *,
    final_alpha_bar: float = 1.0,
) -> Iterator[SamplerStep]:
    """Yield the state after each step; the last one holds the finished latent.

    A generator, so that the caller decides what happens between steps: show progress, draw a
    preview, or stop.

    Args:
        sampler: How to step.
        latent: Latent at the noise of the first timestep.
        predict: The network.
        schedule: Signal and noise at each timestep, and what the network predicts.
        timesteps: Where to ask it, descending.
        draw_noise: Called before every step but the last, by DDPM only.
        final_alpha_bar: Signal variance after the last step; 1 is a clean latent. The published
            DDIM stops at the one of timestep 0.

    Yields:
        One state for each timestep.
    """
    solver = _dpm_solver(schedule, timesteps) if sampler is SamplerName.DPM_SOLVER else None
    total = len(timesteps)
    alpha_bars = [*schedule.alpha_bar[list(timesteps)].tolist(), final_alpha_bar]
    for index, (timestep, (alpha_bar, next_alpha_bar)) in enumerate(
        zip(timesteps, pairwise(alpha_bars), strict=True), start=1
    ):
        prediction = predict(latent, timestep)
        clean, noise = schedule.clean_and_noise(latent, prediction, torch.tensor([timestep]))
        if solver is not None:
            latent = solver.step(clean, timestep, latent).prev_sample
        elif sampler is SamplerName.DDIM:
            latent = next_alpha_bar**0.5 * clean + (1 - next_alpha_bar) ** 0.5 * noise
        else:
            beta = 1 - alpha_bar / next_alpha_bar
            clean_weight = beta * next_alpha_bar**0.5 / (1 - alpha_bar)
            latent_weight = (1 - next_alpha_bar) * (1 - beta) ** 0.5 / (1 - alpha_bar)
            variance = beta * (1 - next_alpha_bar) / (1 - alpha_bar)
            latent = clean_weight * clean + latent_weight * latent
            if index < total:
                latent = latent + variance**0.5 * draw_noise()
        yield SamplerStep(index=index, total=total, latent=latent, clean=clean)


def _dpm_solver(
    schedule: NoiseSchedule, timesteps: Sequence[int]
) -> "DPMSolverMultistepScheduler":
    # Imported here: it takes two seconds, and no other sampler needs it.
    from diffusers import DPMSolverMultistepScheduler

    solver = DPMSolverMultistepScheduler(
        num_train_timesteps=schedule.config.n_timesteps,
        trained_betas=schedule.betas.tolist(),
        prediction_type="sample",  # epsilon and v are turned into the clean latent before
        final_sigmas_type="zero",
    )
    solver.set_timesteps(timesteps=list(timesteps))
    return solver
