"""One prediction of the steered U-Net as the decoder makes it in few steps, for training."""

import torch

from difficmh_core.config.decoding import SamplerName
from difficmh_core.diffusion.control import ControlledUNet
from difficmh_core.diffusion.samplers import sampler_timesteps
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.shapes import Context, DiffusionLatent, Timesteps


class OneStep:
    """Noises latents as they occur while decoding in few steps, and cleans them in one."""

    def __init__(
        self, schedule: NoiseSchedule, *, start: float, decoding_steps: int, from_content: float
    ) -> None:
        """Choose the timesteps.

        Args:
            schedule: The noise schedule.
            start: Part of the schedule that is walked, in (0, 1]; the presets' start.
            decoding_steps: Timesteps of this many DDIM steps are trained.
            from_content: Share of the pictures that begin at the first step, from the noised
                content latent; the others begin at a random step, from the noised diffusion
                latent.
        """
        self._schedule = schedule
        self._from_content = from_content
        self.timesteps = sampler_timesteps(
            SamplerName.DDIM,
            decoding_steps,
            start=start,
            n_timesteps=schedule.config.n_timesteps,
        )

    def __call__(
        self,
        controlled: ControlledUNet,
        content: DiffusionLatent,
        latent: DiffusionLatent,
        context: Context,
    ) -> DiffusionLatent:
        """Return the clean latents that the predictions imply, in float32.

        Args:
            controlled: The U-Net with its control module.
            content: Content latents, which also steer.
            latent: The pictures' diffusion latents.
            context: What cross-attention reads.
        """
        noisy, timesteps = self._noisy(content, latent)
        prediction = controlled(noisy, timesteps, context, content).float()
        return self._schedule.clean_and_noise(noisy, prediction, timesteps)[0]

    def _noisy(
        self, content: DiffusionLatent, latent: DiffusionLatent
    ) -> tuple[DiffusionLatent, Timesteps]:
        n, device = len(latent), latent.device
        available = torch.tensor(self.timesteps, device=device)
        timesteps = available[torch.randint(len(available), (n,), device=device)]
        is_first = torch.rand(n, device=device) < self._from_content
        timesteps = torch.where(is_first, available[0], timesteps)
        clean = torch.where(is_first.view(-1, 1, 1, 1), content, latent)
        return self._schedule.add_noise(clean, torch.randn_like(clean), timesteps), timesteps
