"""The frozen U-Net and the control module that is trained beside it, as two stages use them."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.config.decoding import SamplerName
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.samplers import sampler_timesteps
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import Context, DiffusionLatent, Timesteps
from difficmh_core.training.losses import random_prediction_error
from difficmh_core.training.settings import FewStepSettings, JointSettings


class Steering(nn.Module):
    """Predicts noise under control: over the whole schedule, and as the decoder in few steps."""

    def __init__(
        self,
        settings: JointSettings | FewStepSettings,
        schedule: NoiseSchedule,
        control: ControlModule,
        unet: DenoisingUNet,
        conditioner: TagEmbedding,
    ) -> None:
        """Put the parts together.

        Args:
            settings: Timesteps, and how often tags are hidden.
            schedule: The noise schedule.
            control: Control module to train.
            unet: Trained U-Net; it stays as it is, unless the settings say otherwise.
            conditioner: From tags to context; it stays as it is.
        """
        super().__init__()
        self.settings = settings
        self.schedule = schedule
        self.control = control
        trains_unet = isinstance(settings, FewStepSettings) and settings.trains_unet
        self.unet = unet.requires_grad_(trains_unet).train(trains_unet)
        self.conditioner = conditioner.requires_grad_(requires_grad=False)
        self.timesteps = sampler_timesteps(
            SamplerName.DDIM,
            settings.decoding_steps,
            start=settings.start,
            n_timesteps=schedule.config.n_timesteps,
        )

    @torch.no_grad()
    def context(self, tag_ids: Sequence[Sequence[int]]) -> Context:
        """The context for cross-attention, now and then that of no tags at all.

        Args:
            tag_ids: Of each picture of a batch; all or none of them are hidden.
        """
        is_hidden = torch.rand(()).item() < self.settings.batch_tag_dropout
        context: Context = self.conditioner([[] for _ in tag_ids] if is_hidden else tag_ids)
        return context

    def controlled(
        self, control: nn.Module | None = None, unet: nn.Module | None = None
    ) -> ControlledUNet:
        """Return the U-Net under the control that is trained, or their moving averages."""
        return ControlledUNet(
            cast(DenoisingUNet, unet or self.unet), cast(ControlModule, control or self.control)
        )

    def error(
        self, content: DiffusionLatent, latent: DiffusionLatent, context: Context
    ) -> Float[Tensor, ""]:
        """Return the mean squared error of predictions over the whole schedule.

        Args:
            content: Content latents, which steer.
            latent: The pictures' diffusion latents.
            context: What cross-attention reads.
        """
        controlled = self.controlled()
        return random_prediction_error(
            lambda noisy, t: controlled(noisy, t, context, content), self.schedule, latent
        )

    def one_step(
        self, content: DiffusionLatent, latent: DiffusionLatent, context: Context
    ) -> DiffusionLatent:
        """Return the clean latents that one prediction implies, in float32.

        The latents are noised as they occur while decoding in few steps. Arguments as for
        :meth:`error`.
        """
        noisy, timesteps = self._noisy(content, latent)
        prediction = self.controlled()(noisy, timesteps, context, content).float()
        return self.schedule.clean_and_noise(noisy, prediction, timesteps)[0]

    def _noisy(
        self, content: DiffusionLatent, latent: DiffusionLatent
    ) -> tuple[DiffusionLatent, Timesteps]:
        n, device = len(latent), latent.device
        available = torch.tensor(self.timesteps, device=device)
        timesteps = available[torch.randint(len(available), (n,), device=device)]
        is_first = torch.rand(n, device=device) < self.settings.from_content
        timesteps = torch.where(is_first, available[0], timesteps)
        clean = torch.where(is_first.view(-1, 1, 1, 1), content, latent)
        return self.schedule.add_noise(clean, torch.randn_like(clean), timesteps), timesteps
