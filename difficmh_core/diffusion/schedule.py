"""The noise schedule: how much of a latent is signal, and how much noise, at each timestep.

A latent at timestep t is::

    latent = sqrt(alpha_bar[t]) * clean + sqrt(1 - alpha_bar[t]) * noise
    v      = sqrt(alpha_bar[t]) * noise - sqrt(1 - alpha_bar[t]) * clean

The two lines are a rotation of (clean, noise), so that a network which predicts either the noise
(epsilon) or v determines both.

References:
    Ho, Jain, Abbeel: Denoising Diffusion Probabilistic Models, 2020, eq. 4,
    https://arxiv.org/abs/2006.11239
    Salimans, Ho: Progressive Distillation for Fast Sampling of Diffusion Models, 2022, appendix D
    (v prediction), https://arxiv.org/abs/2202.00512
"""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from difficmh_core.config.networks import PredictionType, ScheduleConfig
from difficmh_core.shapes import DiffusionLatent, Timesteps


class NoiseSchedule:
    """Betas whose square roots are linear in the timestep, and what follows from them.

    Attributes:
        config: The settings.
        betas: Noise variance that each timestep adds, in (0, 1), ascending.
        alpha_bar: Signal variance at each timestep, in (0, 1), descending.
    """

    def __init__(self, config: ScheduleConfig) -> None:
        self.config = config
        roots = np.linspace(config.beta_start**0.5, config.beta_end**0.5, config.n_timesteps)
        betas = roots**2
        self.betas: Float64[Tensor, " timesteps"] = torch.from_numpy(betas)
        self.alpha_bar: Float64[Tensor, " timesteps"] = torch.from_numpy(np.cumprod(1 - betas))

    def add_noise(
        self, clean: DiffusionLatent, noise: DiffusionLatent, timesteps: Timesteps
    ) -> DiffusionLatent:
        """Return the noisy latent at each timestep."""
        signal_root, noise_root = self._roots(timesteps, clean)
        return signal_root * clean + noise_root * noise

    def target(
        self, clean: DiffusionLatent, noise: DiffusionLatent, timesteps: Timesteps
    ) -> DiffusionLatent:
        """The target of the network's prediction: the noise, or v."""
        if self.config.prediction is PredictionType.EPSILON:
            return noise
        signal_root, noise_root = self._roots(timesteps, clean)
        return signal_root * noise - noise_root * clean

    def clean_and_noise(
        self, latent: DiffusionLatent, prediction: DiffusionLatent, timesteps: Timesteps
    ) -> tuple[DiffusionLatent, DiffusionLatent]:
        """Return the clean latent and the noise that a prediction implies."""
        signal_root, noise_root = self._roots(timesteps, latent)
        if self.config.prediction is PredictionType.EPSILON:
            return (latent - noise_root * prediction) / signal_root, prediction
        clean = signal_root * latent - noise_root * prediction
        return clean, noise_root * latent + signal_root * prediction

    def _roots(self, timesteps: Timesteps, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of signal and noise, shaped (batch, 1, 1, 1)."""
        alpha_bar = self.alpha_bar.to(timesteps.device)[timesteps].reshape(-1, 1, 1, 1)
        signal_root, noise_root = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        return signal_root.to(like), noise_root.to(like)
