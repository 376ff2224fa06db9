"""The diffusion decoder: content latent and tags steer noise into the latent of a picture.

The noise comes from :mod:`difficmh_core.diffusion.noise`: the first latent drawn is the start
noise; DDPM draws one more before each step but the last.

References:
    Ho, Salimans: Classifier-Free Diffusion Guidance, 2022, eq. 6, https://arxiv.org/abs/2207.12598
    Kynkäänniemi et al.: Applying Guidance in a Limited Interval, 2024,
    https://arxiv.org/abs/2404.07724
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.diffusion.control import ControlledUNet
from difficmh_core.diffusion.cuda_graph import Recorded
from difficmh_core.diffusion.noise import PortableNoise
from difficmh_core.diffusion.samplers import (
    Predictor,
    SamplerStep,
    sampler_steps,
    sampler_timesteps,
)
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.tiling import Tiling, in_tiles
from difficmh_core.shapes import Context, DiffusionLatent


class DiffusionDecoder:
    """Runs a sampler over the controlled U-Net, with classifier-free guidance.

    What does not depend on the timestep is computed once for a picture: keys and values of the
    context, and the control module's features of the content latent. On CUDA, the U-Net's kernels
    are recorded once for each size and then launched as one.
    """

    def __init__(
        self, unet: ControlledUNet, schedule: NoiseSchedule, tiling: Tiling | None = None
    ) -> None:
        self._unet = unet
        self._recorded = Recorded(unet.prepared)
        self._schedule = schedule
        self._tiling = Tiling() if tiling is None else tiling

    def steps(
        self,
        content_latent: DiffusionLatent,
        context: Context,
        unconditional_context: Context,
        settings: DecodeSettings,
        seed: int,
    ) -> Iterator[SamplerStep]:
        """Yield the state after each denoising step; the last one holds the finished latent.

        Args:
            content_latent: What the codec stored.
            context: What cross-attention reads, from the tags.
            unconditional_context: The same without tags; not read if ``guidance_scale`` is 1.
            settings: Steps, sampler, guidance, control and start; ``seed`` and ``realism`` are
                the caller's.
            seed: Seed of the noise, 0 to 2**64 - 1.

        Yields:
            One state per step, in the element type and on the device of ``content_latent``.

        Raises:
            ConfigError: If ``start`` leaves fewer timesteps than ``steps``.
        """
        noise = PortableNoise(seed)
        timesteps = sampler_timesteps(
            settings.sampler,
            settings.steps,
            start=settings.start,
            n_timesteps=self._schedule.config.n_timesteps,
        )
        latent = noise.draw(content_latent)
        if settings.start < 1:
            latent = self._schedule.add_noise(content_latent, latent, torch.tensor(timesteps[:1]))
        states = sampler_steps(
            settings.sampler,
            latent,
            self._predictor(content_latent, context, unconditional_context, settings),
            self._schedule,
            timesteps,
            lambda: noise.draw(content_latent),
        )
        while True:
            with torch.no_grad():  # ends before each yield: the caller's mode is its own
                state = next(states, None)
            if state is None:
                return
            yield state

    def _predictor(
        self,
        content_latent: DiffusionLatent,
        context: Context,
        unconditional_context: Context,
        settings: DecodeSettings,
    ) -> Predictor:
        """Return the network with guidance, both branches in one batch, conditional first."""
        dtype, guidance_scale = self._unet.base.dtype, settings.guidance_scale
        n_timesteps = self._schedule.config.n_timesteps
        low, high = (share * n_timesteps for share in settings.guidance_interval)
        contexts = context if guidance_scale == 1 else torch.cat([context, unconditional_context])
        with torch.no_grad():  # once for all steps
            projected = self._unet.project(contexts.to(dtype))
            hint = self._unet.control.hint(content_latent.to(dtype))
        network: Callable[..., Tensor] = (
            partial(self._recorded, option=settings.control_scale)
            if content_latent.is_cuda
            else partial(self._unet.prepared, control_scale=settings.control_scale)
        )

        def predict(latent: DiffusionLatent, timestep: int) -> DiffusionLatent:
            is_guided = guidance_scale != 1 and low <= timestep <= high
            read = projected if is_guided else projected[: len(context)]
            timesteps = torch.full((len(read),), timestep, device=latent.device)
            prediction = in_tiles(
                lambda crops: network(crops[0], timesteps, read, crops[1]),
                (_repeated(latent.to(dtype), is_guided), _repeated(hint, is_guided)),
                self._tiling,
            ).to(latent.dtype)
            if not is_guided:
                return prediction
            conditional, unconditional = prediction.chunk(2)
            return unconditional + guidance_scale * (conditional - unconditional)

        return predict


def _repeated(tensor: Tensor, twice: bool) -> Tensor:
    return torch.cat([tensor, tensor]) if twice else tensor
