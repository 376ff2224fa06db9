"""Stages 3 and 5: the tag-conditioned prior, and the control module that steers it.

Both predict what the noise schedule asks for (noise or v) at random timesteps; the control stage
sees the decoded content latent of a random quality beside the noisy latent, and trains only the
control module, so that the prior stays the one that all rates share.

References:
    Ho et al.: Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    Salimans, Ho: Progressive Distillation for Fast Sampling of Diffusion Models, 2022 (v),
    https://arxiv.org/abs/2202.00512
"""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config import CodecConfig
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import DiffusionLatent, Image01, Timesteps
from difficmh_core.training.latents import LatentBatch, LatentSampler
from difficmh_core.training.settings import StageSettings

__all__ = ["ControlStage", "PriorStage"]

_N_CHECK_TIMESTEPS = 8

Predictor = Callable[[Tensor, Tensor], Tensor]


def prediction_error(
    predict: Predictor,
    schedule: NoiseSchedule,
    latent: DiffusionLatent,
    noise: DiffusionLatent,
    timesteps: Timesteps,
) -> Tensor:
    """Return the mean squared error of a prediction from noisy latents, a scalar.

    Args:
        predict: ``(noisy latent, timesteps)`` to the prediction.
        schedule: Says how noisy a timestep is, and what is to be predicted.
        latent: Clean latents.
        noise: Standard normal noise.
        timesteps: One for each latent.
    """
    noisy = schedule.add_noise(latent, noise, timesteps)
    target = schedule.target(latent, noise, timesteps)
    return (predict(noisy, timesteps).float() - target).square().mean()


def _check_error(
    predictor: Predictor, schedule: NoiseSchedule, latent: DiffusionLatent
) -> dict[str, float]:
    """Return the error by part of the schedule, with the same noise at every call."""
    generator = torch.Generator().manual_seed(0)
    measures = dict[str, float]()
    for timestep in torch.linspace(50, 950, _N_CHECK_TIMESTEPS).round().long().tolist():
        noise = torch.randn(latent.shape, generator=generator)
        timesteps = torch.full((len(latent),), timestep)
        error = prediction_error(predictor, schedule, latent, noise, timesteps)
        measures[f"check_{timestep}"] = round(error.item(), 4)
    measures["check_mean"] = round(sum(measures.values()) / len(measures), 4)
    return measures


class PriorStage:
    """Train the U-Net and the tag embedding on latents."""

    def __init__(
        self,
        config: CodecConfig,
        settings: StageSettings,
        crops: LatentSampler,
        check_latent: DiffusionLatent,
    ) -> None:
        """Build the networks.

        Args:
            config: Their sizes.
            settings: Batch size and loss weights.
            crops: Where to draw latents and tags from.
            check_latent: Latents of pictures that are never trained on.
        """
        self._settings = settings
        self._crops = crops
        self._check_latent = check_latent
        self._schedule = NoiseSchedule(config.schedule)
        self.trained = nn.ModuleDict(
            {
                "unet": DenoisingUNet(config.unet),
                "tags": TagEmbedding(config.conditioning, config.unet.context_channels),
            }
        )

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """Return all parameters at one learning rate."""
        return [{"params": list(self.trained.parameters()), "lr": learning_rate}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the prediction error as ``total``."""
        batch = self._crops.draw(self._settings.batch_size)
        # Tags say the same of a mirrored picture, and latents are close to mirrored ones.
        latent = batch.latent.flip(-1) if step % 2 else batch.latent
        context = self.trained["tags"](batch.tag_ids)
        timesteps = torch.randint(self._schedule.config.n_timesteps, (len(latent),))
        error = prediction_error(
            lambda noisy, t: self.trained["unet"](noisy, t, context),
            self._schedule,
            latent,
            torch.randn_like(latent),
            timesteps,
        )
        return {"total": self._settings.weights.diffusion * error}

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return the prediction error without tags at timesteps over the whole schedule."""
        unet, tags = average.get_submodule("unet"), average.get_submodule("tags")
        context = tags([[] for _ in self._check_latent])
        return _check_error(
            lambda noisy, t: unet(noisy, t, context), self._schedule, self._check_latent
        )


class ControlStage:
    """Train the control module beside the frozen U-Net."""

    def __init__(
        self,
        config: CodecConfig,
        settings: StageSettings,
        crops: LatentSampler,
        unet: DenoisingUNet,
        tags: TagEmbedding,
        latent_codec: LatentCodec,
        check: Image01,
        check_latent: DiffusionLatent,
    ) -> None:
        """Put the control module beside trained networks.

        Args:
            config: Sizes of the control module.
            settings: Batch size and loss weights.
            crops: Where to draw crops from.
            unet: Trained U-Net; it stays as it is.
            tags: Trained tag embedding; it stays as it is.
            latent_codec: Trained codec; it stays as it is.
            check: Pictures for validation, never trained on.
            check_latent: Their diffusion latents.
        """
        self._settings = settings
        self._crops = crops
        self._schedule = NoiseSchedule(config.schedule)
        self._unet = unet.requires_grad_(False).eval()
        self._tags = tags.requires_grad_(False).eval()
        self._latent_codec = latent_codec.requires_grad_(False).eval()
        self.trained = ControlModule(config.unet, config.control)
        self.trained.initialize_from(unet)
        self._check_latent = check_latent
        with torch.no_grad():
            quality = torch.linspace(0, 1, len(check))
            self._check_content = self._latent_codec(check, check_latent, quality).content_latent

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """Return all parameters of the control module at one learning rate."""
        return [{"params": list(self.trained.parameters()), "lr": learning_rate}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the prediction error as ``total``."""
        batch: LatentBatch = self._crops.draw(self._settings.batch_size)
        with torch.no_grad():
            quality = torch.rand(len(batch.image))
            output = self._latent_codec(batch.image, batch.latent, quality)
            content = output.content_latent.float()
            context = self._tags(batch.tag_ids)
        controlled = ControlledUNet(self._unet, self.trained)
        timesteps = torch.randint(self._schedule.config.n_timesteps, (len(content),))
        error = prediction_error(
            lambda noisy, t: controlled(noisy, t, context, content),
            self._schedule,
            batch.latent,
            torch.randn_like(batch.latent),
            timesteps,
        )
        return {"total": self._settings.weights.diffusion * error}

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return the prediction error without tags, qualities spread over the pictures."""
        controlled = ControlledUNet(self._unet, cast(ControlModule, average))
        context = self._tags([[] for _ in self._check_latent])
        return _check_error(
            lambda noisy, t: controlled(noisy, t, context, self._check_content),
            self._schedule,
            self._check_latent,
        )
