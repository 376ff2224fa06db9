"""Stage 5, the paper's: latent codec and control module together beside the frozen U-Net.

::

    rate * bpp + distance * |content - latent|^2 + diffusion * |prediction - target|^2
               + semantic * d(features(content), features(latent))

The features are those of the U-Net without control. The tags of a whole batch are hidden now and
then, so that guidance has something to push away from; the content latent never is.

Beyond the paper, pictures can be compared, those of content latents and those that the U-Net makes
of them in one step, so that codec, control module and picture decoder learn what they ship for.

References:
    Diff-ICMH, NeurIPS 2025, section 3.4. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.shapes import Image01
from difficmh_core.training.codec_stage import CodecStage
from difficmh_core.training.data import LatentCrops
from difficmh_core.training.losses import semantic_distance
from difficmh_core.training.picture_loss import PerceptualLosses
from difficmh_core.training.prior_stage import check_prediction
from difficmh_core.training.settings import JointSettings
from difficmh_core.training.stage import Progress
from difficmh_core.training.steering import Steering


class JointStage(CodecStage):
    """Train codec and control module with the four losses of the paper."""

    settings: JointSettings

    def __init__(
        self,
        settings: JointSettings,
        steering: Steering,
        latent_codec: LatentCodec,
        autoencoder: Autoencoder,
        perceptual: PerceptualLosses,
        check: Image01,
    ) -> None:
        """Train a codec further, with a control module that was started from the U-Net."""
        super().__init__(settings, latent_codec, autoencoder, perceptual, check)
        self.steering = steering
        latent_codec.requires_grad_(settings.trains_codec).train(settings.trains_codec)
        self.trained["control"] = steering.control

    def forward(self, batch: LatentCrops, progress: Progress) -> dict[str, Tensor]:
        """Return the codec's losses, ``diffusion``, ``semantic`` and the weighted ``total``."""
        settings, steering = self.settings, self.steering
        context = steering.context(batch.tag_ids)

        def shown(content: Tensor) -> Tensor:
            n = round(settings.predicted * len(content))
            if n == 0:
                return content
            predicted = steering.one_step(content[:n], batch.latent[:n], context[:n])
            return torch.cat([predicted, content[n:]])

        if settings.trains_codec:
            losses, output = self.codec_losses(batch, progress, shown)
        else:
            latent_codec = cast(LatentCodec, self.trained.get_submodule("latent_codec"))
            with torch.no_grad():
                quality = torch.rand(len(batch.image), device=batch.image.device)
                output = latent_codec(batch.image, batch.latent, quality)
            losses = {"total": torch.zeros((), device=batch.image.device)}
        content = output.content_latent.float()
        if settings.diffusion:
            losses["diffusion"] = steering.error(content, batch.latent, context)
            losses["total"] = losses["total"] + settings.diffusion * losses["diffusion"]
        if settings.semantic.weight and settings.trains_codec:
            losses["semantic"] = semantic_distance(
                steering.unet,
                steering.schedule,
                content,
                batch.latent,
                context,
                settings.semantic,
            )
            losses["total"] = losses["total"] + settings.semantic.weight * losses["semantic"]
        return losses

    @torch.no_grad()
    def validate(self, average: nn.Module) -> dict[str, float]:
        """Return the codec's metrics, and the prediction error with qualities spread."""
        latent_codec = cast(LatentCodec, average.get_submodule("latent_codec"))
        metrics = super().validate(average)
        check, latent = cast(Tensor, self.check), cast(Tensor, self.check_latent)
        was_training = latent_codec.training
        quality = torch.linspace(0, 1, len(check), device=check.device)
        content = latent_codec.eval()(check, latent, quality).content_latent
        latent_codec.train(was_training)
        context = self.steering.conditioner([[] for _ in check])
        controlled = self.steering.controlled(average.get_submodule("control"))
        errors = check_prediction(
            lambda noisy, t: controlled(noisy, t, context, content),
            self.steering.schedule,
            latent,
        )
        return metrics | errors
