"""Stage 3: the tag-conditioned U-Net, the generative prior that the control module steers.

References:
    Ho et al.: Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import DiffusionLatent
from difficmh_core.training.data import LatentCrops
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
    """Train the U-Net and the tag embedding on latents."""

    settings: PriorSettings

    def __init__(
        self,
        settings: PriorSettings,
        schedule: NoiseSchedule,
        unet: DenoisingUNet,
        tags: TagEmbedding,
        check_latent: DiffusionLatent,
    ) -> None:
        """Train U-Net and tag embedding; ``check_latent`` is of pictures for validation."""
        super().__init__(settings)
        self.schedule = schedule
        self.trained = nn.ModuleDict({"unet": unet, "tags": tags})
        self.register_buffer("check_latent", check_latent, persistent=False)

    def forward(self, batch: LatentCrops, progress: Progress) -> dict[str, Tensor]:
        """Return the prediction error as ``total``."""
        # Tags say the same of a mirrored picture, and latents are close to mirrored ones.
        latent = batch.latent.flip(-1) if progress.step % 2 else batch.latent
        context = self.trained.get_submodule("tags")(batch.tag_ids)
        unet = self.trained.get_submodule("unet")
        error = random_prediction_error(
            lambda noisy, t: unet(noisy, t, context),
            self.schedule,
            latent,
            min_snr=self.settings.min_snr,
        )
        return {"total": error}

    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return the prediction error without tags at timesteps over the whole schedule."""
        unet, tags = average.get_submodule("unet"), average.get_submodule("tags")
        latent = cast(Tensor, self.check_latent)
        with torch.no_grad():
            context = tags([[] for _ in latent])
        return check_prediction(lambda noisy, t: unet(noisy, t, context), self.schedule, latent)
