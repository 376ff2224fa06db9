"""Stages 1 and 2: the autoencoder between pictures and diffusion latents.

First encoder and decoder together; then, with the encoder frozen so that later stages can learn
from its latents, the decoder alone.

References:
    Rombach et al.: High-Resolution Image Synthesis with Latent Diffusion Models, 2022, appendix G,
    https://arxiv.org/abs/2112.10752 (L1 + LPIPS + adversarial + a slight KL term)
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from difficmh_core.diffusion.autoencoder import Autoencoder, DetailOutput
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.shapes import Image01
from difficmh_core.training.data import Crops
from difficmh_core.training.picture_loss import PerceptualLosses, PictureLoss
from difficmh_core.training.settings import AutoencoderSettings
from difficmh_core.training.stage import Progress, Stage


def unfreeze_decoder(autoencoder: Autoencoder) -> None:
    """Freeze an autoencoder but for what turns latents into pictures."""
    autoencoder.requires_grad_(requires_grad=False)
    autoencoder.model.post_quant_conv.requires_grad_(requires_grad=True)
    autoencoder.model.decoder.requires_grad_(requires_grad=True)


def last_weights(autoencoder: Autoencoder) -> Tensor:
    """Return the weights of the layer that puts out pictures, without its details."""
    layer = autoencoder.model.decoder.conv_out
    return cast(Tensor, (layer.squares if isinstance(layer, DetailOutput) else layer).weight)


class AutoencoderStage(Stage):
    """Train the autoencoder on crops: L1 + LPIPS + KL, and adversarial where it has a weight."""

    settings: AutoencoderSettings

    def __init__(
        self,
        settings: AutoencoderSettings,
        autoencoder: Autoencoder,
        perceptual: PerceptualLosses,
        check: Image01,
        *,
        only_decoder: bool = False,
    ) -> None:
        """Train an autoencoder whose scaling factor is 1, or ``only_decoder`` of it."""
        super().__init__(settings)
        self.trained = autoencoder.requires_grad_(requires_grad=True)
        if only_decoder:
            unfreeze_decoder(autoencoder)
        self.only_decoder = only_decoder
        self.picture_loss = PictureLoss(settings.picture, perceptual)
        self.adversary = self.picture_loss.discriminator
        self.check_lpips = perceptual.lpips()
        self.register_buffer("check", check, persistent=False)

    def forward(self, batch: Crops, progress: Progress) -> dict[str, Tensor]:
        """Return the picture losses, ``kl`` [nat/value], and their weighted ``total``."""
        autoencoder = cast(Autoencoder, self.trained)
        with torch.set_grad_enabled(not self.only_decoder):
            posterior = autoencoder.posterior(batch.image)
        decoded = autoencoder.decode_raw(posterior.rsample().float())
        losses: dict[str, Tensor] = self.picture_loss(
            batch.image, decoded, progress.share_done, last_weights(autoencoder)
        )
        losses["kl"] = kl_divergence(posterior, Normal(0.0, 1.0)).mean()
        total = losses["picture"] + losses.get("discriminator", 0.0)
        losses["total"] = total + self.settings.kl * losses["kl"]
        return losses

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return PSNR [dB] and LPIPS of pictures that went through the autoencoder alone."""
        autoencoder = cast(Autoencoder, average)
        check = cast(Tensor, self.check)
        latents = torch.cat([autoencoder.encode(image[None]) for image in check])
        decoded = torch.cat([autoencoder.decode(latent[None]) for latent in latents])
        return {
            "check_psnr_db": round(psnr_db(check, decoded).mean().item(), 3),
            "check_lpips": round(self.check_lpips(check, decoded).mean().item(), 4),
            "check_latent_std": round(latents.std().item(), 4),
        }
