"""Stage 6, beyond the paper: decoding in one to four steps.

The control module, and the autoencoder's decoder behind it, learn to turn one prediction of the
U-Net into a good picture: the clean latent that it implies is decoded and compared with the
original. The U-Net stays as it is, or learns too, and noise prediction over the whole schedule
goes on beside, so that decoding in many steps stays what it was. Clean latents and content latents
can be decoded and compared along, so that the decoder forgets neither.

References:
    Sauer et al.: Adversarial Diffusion Distillation, 2023, https://arxiv.org/abs/2311.17042
    (picture losses on the predicted clean latent at a few timesteps)
"""

from collections.abc import Mapping
from statistics import mean
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.shapes import DiffusionLatent, Image01
from difficmh_core.training.autoencoder_stage import last_weights, unfreeze_decoder
from difficmh_core.training.data import LatentCrops
from difficmh_core.training.losses import latent_distance
from difficmh_core.training.picture_loss import PerceptualLosses, PictureLoss
from difficmh_core.training.settings import FewStepSettings
from difficmh_core.training.stage import Progress, Stage
from difficmh_core.training.steering import Steering

_CHECK_STEPS = (1, 2, 4)


class FewStepStage(Stage):
    """Train control module and picture decoder with losses on the decoded picture."""

    settings: FewStepSettings

    def __init__(
        self,
        settings: FewStepSettings,
        steering: Steering,
        latent_codec: LatentCodec,
        autoencoder: Autoencoder,
        perceptual: PerceptualLosses,
        check: Image01,
    ) -> None:
        """Train a control module and a picture decoder further, behind a trained codec."""
        super().__init__(settings)
        self.steering = steering
        self.latent_codec = latent_codec.requires_grad_(requires_grad=False).eval()
        autoencoder.requires_grad_(requires_grad=False)
        if settings.trains_decoder:
            unfreeze_decoder(autoencoder)
        self.trained = nn.ModuleDict({"control": steering.control, "autoencoder": autoencoder})
        if settings.trains_unet:
            self.trained["unet"] = steering.unet
        width = steering.conditioner.table.embedding_dim
        self.picture_loss = PictureLoss(settings.picture, perceptual, width)
        self.adversary = self.picture_loss.discriminator
        self.check_lpips, self.check_dists = perceptual.lpips(), perceptual.dists()
        with torch.no_grad():
            latent = autoencoder.encode(check)
            middle = torch.full((len(check),), 0.5)
            content = self.latent_codec(check, latent, middle).content_latent
        self.register_buffer("check", check, persistent=False)
        self.register_buffer("check_content", content, persistent=False)

    def forward(self, batch: LatentCrops, progress: Progress) -> dict[str, Tensor]:
        """Return picture losses, ``distance``, ``diffusion`` and the weighted ``total``."""
        settings, steering, latent = self.settings, self.steering, batch.latent
        autoencoder = cast(Autoencoder, self.trained.get_submodule("autoencoder"))
        content = self._content(batch)
        context = steering.context(batch.tag_ids)
        predicted = steering.one_step(content, latent, context)
        n_clean, n_content = (round(k * len(latent)) for k in (settings.clean, settings.content))
        shown = torch.cat([predicted, latent[:n_clean], content[:n_content]])
        image = torch.cat([batch.image, batch.image[:n_clean], batch.image[:n_content]])
        decoded = autoencoder.decode_raw(shown)
        place = last_weights(autoencoder) if settings.trains_decoder else shown
        losses: dict[str, Tensor] = self.picture_loss(
            image, decoded, progress.share_done, place, pulled_context=context
        )
        losses["distance"] = latent_distance(predicted, latent).mean()
        total = losses["picture"] + losses.get("discriminator", 0.0)
        total = total + settings.distance * losses["distance"]
        if settings.diffusion:
            losses["diffusion"] = steering.error(content, latent, context)
            total = total + settings.diffusion * losses["diffusion"]
        losses["total"] = total
        return losses

    @torch.no_grad()
    def _content(self, batch: LatentCrops) -> DiffusionLatent:
        """Return the batch's content latents, made here unless the batch holds them."""
        if batch.content is not None:
            return batch.content
        quality = torch.rand(len(batch.latent), device=batch.latent.device)
        output = self.latent_codec(batch.image, batch.latent, quality)
        return cast(DiffusionLatent, output.content_latent.float())

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return PSNR [dB] and LPIPS at quality 50 after 0 (no diffusion), 1, 2 and 4 steps.

        DISTS, which takes as long as all the rest, is told after one step only.
        """
        autoencoder = cast(Autoencoder, average.get_submodule("autoencoder"))
        check, content = cast(Tensor, self.check), cast(Tensor, self.check_content)
        unet = average.get_submodule("unet") if self.settings.trains_unet else None
        controlled = self.steering.controlled(average.get_submodule("control"), unet)
        decoder = DiffusionDecoder(controlled, self.steering.schedule)
        context = self.steering.conditioner([[]])
        latents = {0: content}
        for steps in _CHECK_STEPS:
            settings = DecodeSettings(
                steps=steps,
                guidance_scale=1.0,
                sampler=SamplerName.DDIM,
                start=self.settings.start,
            )
            latents[steps] = torch.cat(
                [
                    list(decoder.steps(one, context, context, settings, seed=0))[-1].latent
                    for one in torch.split(content, 1)
                ]
            )
        metrics = dict[str, float]()
        for steps, latent in latents.items():
            decoded = autoencoder.decode(latent)
            name = f"check_{steps}_steps"
            metrics[f"{name}_psnr_db"] = round(psnr_db(check, decoded).mean().item(), 3)
            metrics[f"{name}_lpips"] = round(self.check_lpips(check, decoded).mean().item(), 4)
            if steps == 1:
                pairs = zip(torch.split(check, 1), torch.split(decoded, 1), strict=True)
                distances = [self.check_dists(*pair).item() for pair in pairs]
                metrics[f"{name}_dists"] = round(mean(distances), 4)
        return metrics
