"""Stage 4: the latent codec alone, all rates at once.

Each picture of a batch gets a random quality, and with it a rate weight between the two ends of
:attr:`CodecSettings.rate`, log-linear; the gain vectors learn what that quality means.

References:
    Diff-ICMH, NeurIPS 2025: rate and latent distance.
    Cui et al.: Asymmetric Gained Deep Image Compression, CVPR 2021 (all rates in one model)
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec, LatentCodecOutput
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.shapes import DiffusionLatent, Image01
from difficmh_core.training.autoencoder_stage import last_weights, unfreeze_decoder
from difficmh_core.training.data import LatentCrops
from difficmh_core.training.losses import latent_distance, rate_weights
from difficmh_core.training.picture_loss import PerceptualLosses, PictureLoss
from difficmh_core.training.settings import CodecSettings
from difficmh_core.training.stage import Progress, Stage

_CHECK_QUALITIES = (0.0, 0.5, 1.0)
_EMPHASIS = 0.25


class CodecStage(Stage):
    """Train the latent codec: rate + latent distance, and losses on the content's picture."""

    settings: CodecSettings

    def __init__(
        self,
        settings: CodecSettings,
        latent_codec: LatentCodec,
        autoencoder: Autoencoder,
        perceptual: PerceptualLosses,
        check: Image01,
    ) -> None:
        """Train a latent codec on the latents of a trained autoencoder."""
        super().__init__(settings)
        self.trained: nn.ModuleDict = nn.ModuleDict({"latent_codec": latent_codec})
        self.autoencoder = autoencoder.requires_grad_(requires_grad=False).eval()
        if settings.trains_decoder:
            unfreeze_decoder(autoencoder)
            self.trained["autoencoder"] = autoencoder
        self.picture_loss = PictureLoss(settings.picture, perceptual)
        self.adversary = self.picture_loss.discriminator
        self.check_lpips, self.check_dists = perceptual.lpips(), perceptual.dists()
        self.register_buffer("check", check, persistent=False)
        self.register_buffer("check_latent", autoencoder.encode(check), persistent=False)

    def forward(self, batch: LatentCrops, progress: Progress) -> dict[str, Tensor]:
        """Return ``bpp``, ``distance``, picture losses, ``auxiliary`` and the ``total``."""
        return self.codec_losses(batch, progress)[0]

    def codec_losses(
        self,
        batch: LatentCrops,
        progress: Progress,
        shown: Callable[[Tensor], Tensor] = lambda content: content,
    ) -> tuple[dict[str, Tensor], LatentCodecOutput]:
        """Return the losses and what the codec put out.

        Args:
            batch: The crops.
            progress: How far the stage has come.
            shown: From content latents to those whose pictures are compared.
        """
        settings = self.settings
        latent_codec = cast(LatentCodec, self.trained.get_submodule("latent_codec"))
        quality = torch.rand(len(batch.image), device=batch.image.device)
        output = latent_codec(batch.image, batch.latent, quality)
        bpp = output.bits() / (batch.image.shape[-2] * batch.image.shape[-1])
        distance = latent_distance(output.content_latent, batch.latent)
        weight = rate_weights(quality, settings.rate)
        # Between the rate term, which grows with the weight, and the others, which do not, so that
        # no rate rules over shared weights; with a single rate, this is 1.
        middle = (settings.rate[0] * settings.rate[1]) ** 0.5
        emphasis = (middle / weight) ** _EMPHASIS
        ramp = min(1.0, (progress.step + 1) / max(1, settings.rate_ramp_steps))
        losses = {
            "bpp": bpp.mean(),
            "distance": distance.mean(),
            "auxiliary": latent_codec.auxiliary_loss(),
        }
        total = (emphasis * (settings.distance * distance + ramp * weight * bpp)).mean()
        if settings.picture.l1 or settings.picture.lpips or settings.picture.dists:
            content = shown(output.content_latent.float())
            decoded = self.autoencoder.decode_raw(content)
            place = last_weights(self.autoencoder)
            losses |= self.picture_loss(
                batch.image,
                decoded,
                progress.share_done,
                place if place.requires_grad else content,
                emphasis,
            )
            total = total + losses["picture"] + losses.get("discriminator", 0.0)
        losses["total"] = total + losses["auxiliary"]
        return losses, output

    @torch.no_grad()
    def validate(self, average: nn.Module) -> dict[str, float]:
        """Return estimated bits per pixel, distance, LPIPS and DISTS, at three rates.

        The codec is in evaluation mode, as when coding.
        """
        latent_codec = cast(LatentCodec, average.get_submodule("latent_codec"))
        autoencoder = self.autoencoder
        if self.settings.trains_decoder:
            autoencoder = cast(Autoencoder, average.get_submodule("autoencoder"))
        was_training = latent_codec.training
        latent_codec.eval()
        check = cast(Image01, self.check)
        latent = cast(DiffusionLatent, self.check_latent)
        metrics = dict[str, float]()
        n_pixels = check.shape[-2] * check.shape[-1]
        for quality in _CHECK_QUALITIES:
            qualities = torch.full((len(check),), quality, device=check.device)
            output = latent_codec(check, latent, qualities)
            decoded = autoencoder.decode(output.content_latent)
            name = f"check_{round(100 * quality)}"
            metrics[f"{name}_bpp"] = round(output.bits().mean().item() / n_pixels, 4)
            distance = latent_distance(output.content_latent, latent).mean().item()
            metrics[f"{name}_distance"] = round(distance, 4)
            metrics[f"{name}_lpips"] = round(self.check_lpips(check, decoded).mean().item(), 4)
            metrics[f"{name}_dists"] = round(self.check_dists(check, decoded).mean().item(), 4)
        latent_codec.train(was_training)
        return metrics
