"""The tag-conditioned U-Net, the generative prior, and, if wanted, the control module beside it.

Published, the control module learns beside a frozen U-Net that others trained for months. A small
prior that is trained for hours gains more if both learn together: most of the batch is steered by
content latents, and the rest keeps the U-Net a prior of its own.

References:
    Ho et al.: Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import DiffusionLatent
from difficmh_core.training.data import LatentCrops, SteeredLatents
from difficmh_core.training.losses import Predictor, prediction_error, random_prediction_error
from difficmh_core.training.settings import PriorSettings
from difficmh_core.training.stage import Progress, Stage

_N_CHECK_TIMESTEPS = 8


@torch.no_grad()
def check_prediction(
    predict: Predictor, schedule: NoiseSchedule, latent: DiffusionLatent
) -> dict[str, float]:
    """Return the prediction error over the schedule, with the same noise at every call."""
    generator = torch.Generator().manual_seed(0)
    metrics = dict[str, float]()
    for timestep in torch.linspace(50, 950, _N_CHECK_TIMESTEPS).round().long().tolist():
        noise = torch.randn(latent.shape, generator=generator).to(latent)
        timesteps = torch.full((len(latent),), timestep, device=latent.device)
        error = prediction_error(predict, schedule, latent, noise, timesteps)
        metrics[f"check_{timestep}"] = round(error.item(), 4)
    metrics["check_mean"] = round(sum(metrics.values()) / len(metrics), 4)
    return metrics


class PriorStage(Stage):
    """Train the U-Net and the tag embedding on latents, and the control module if it is given."""

    settings: PriorSettings

    def __init__(
        self,
        settings: PriorSettings,
        schedule: NoiseSchedule,
        unet: DenoisingUNet,
        tags: TagEmbedding,
        check_latent: DiffusionLatent,
        control: ControlModule | None = None,
        check_content: DiffusionLatent | None = None,
    ) -> None:
        """Train the U-Net and the tag embedding.

        Args:
            settings: How they are trained.
            schedule: The noise schedule.
            unet: The U-Net.
            tags: From tags to context.
            check_latent: Diffusion latents of pictures for validation.
            control: The control module, if the settings let content latents steer.
            check_content: The content latents of the same pictures, if there is control.
        """
        super().__init__(settings)
        self.schedule = schedule
        self.trained = nn.ModuleDict({"unet": unet, "tags": tags})
        if control is not None:
            self.trained["control"] = control
        self.register_buffer("check_latent", check_latent, persistent=False)
        self.register_buffer("check_content", check_content, persistent=False)

    def forward(
        self, batch: LatentCrops | SteeredLatents, progress: Progress
    ) -> dict[str, Tensor]:
        """Return ``total``, the mean prediction error, and the errors of its two parts."""
        latent, settings = batch.latent, self.settings
        context = self.trained.get_submodule("tags")(batch.tag_ids)
        n = len(latent)
        n_controlled = round(settings.controlled * n)
        losses = dict[str, Tensor]()
        if n_controlled < n:
            unet, own = self.trained.get_submodule("unet"), context[n_controlled:]
            losses["alone"] = random_prediction_error(
                lambda noisy, t: unet(noisy, t, own),
                self.schedule,
                latent[n_controlled:],
                min_snr=settings.min_snr,
            )
        if n_controlled:
            content = cast(SteeredLatents, batch).content[:n_controlled]
            controlled, steered = _controlled(self.trained), context[:n_controlled]
            losses["controlled"] = random_prediction_error(
                lambda noisy, t: controlled(noisy, t, steered, content),
                self.schedule,
                latent[:n_controlled],
                min_snr=settings.min_snr,
            )
        shares = {"alone": 1 - n_controlled / n, "controlled": n_controlled / n}
        total = torch.stack([shares[name] * loss for name, loss in losses.items()]).sum()
        return {"total": total, **losses}

    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return the prediction error without tags at timesteps over the whole schedule.

        The controlled one begins with ``controlled_``.
        """
        latent = cast(Tensor, self.check_latent)
        with torch.no_grad():
            context = average.get_submodule("tags")([[] for _ in latent])
        unet, content = average.get_submodule("unet"), self.check_content
        metrics = check_prediction(lambda noisy, t: unet(noisy, t, context), self.schedule, latent)
        if content is None:
            return metrics
        controlled = _controlled(average)
        errors = check_prediction(
            lambda noisy, t: controlled(noisy, t, context, content), self.schedule, latent
        )
        return metrics | {f"controlled_{name}": error for name, error in errors.items()}


def _controlled(trained: nn.Module) -> ControlledUNet:
    """Return the U-Net under its control, of what is trained or of its moving average."""
    unet, control = trained.get_submodule("unet"), trained.get_submodule("control")
    return ControlledUNet(cast(DenoisingUNet, unet), cast(ControlModule, control))
