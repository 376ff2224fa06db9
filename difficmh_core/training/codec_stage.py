"""Stage 4: the latent codec alone, all rates at once.

Each picture of a batch gets a random quality, and with it a rate weight between the two ends of
:attr:`LossWeights.rate`, log-linear; the gain vectors learn what that quality means.

References:
    Diff-ICMH, NeurIPS 2025: rate and latent distance.
    Cui et al.: Asymmetric Gained Deep Image Compression, CVPR 2021 (all rates in one model)
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config import CodecConfig
from difficmh_core.shapes import Image01
from difficmh_core.training.latents import LatentSampler
from difficmh_core.training.settings import StageSettings

__all__ = ["CodecStage"]

_QUANTILES_LEARNING_RATE = 1e-2  # ten times the published one: hundredfold fewer steps
_RATE_RAMP_STEPS = 300  # the rate term grows in, or all rates collapse to nothing at the start
_CHECK_QUALITIES = (0.0, 0.5, 1.0)


class CodecStage:
    """Train the latent codec: rate + latent distance."""

    def __init__(
        self,
        config: CodecConfig,
        settings: StageSettings,
        crops: LatentSampler,
        check: Image01,
        check_latent: Tensor,
    ) -> None:
        """Build the codec.

        Args:
            config: Its sizes.
            settings: Batch size and loss weights.
            crops: Where to draw crops from.
            check: Pictures for validation, never trained on.
            check_latent: Their diffusion latents.
        """
        self._settings = settings
        self._crops = crops
        self._check = check
        self._check_latent = check_latent
        self.trained = LatentCodec(config.latent_codec)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """Return all parameters, and the quantiles with a learning rate of their own."""
        named = dict(self.trained.named_parameters())
        quantiles = [named.pop(name) for name in list(named) if name.endswith("quantiles")]
        return [
            {"params": list(named.values()), "lr": learning_rate},
            {"params": quantiles, "lr": _QUANTILES_LEARNING_RATE, "weight_decay": 0.0},
        ]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return ``bpp``, ``distance``, ``auxiliary`` and their weighted ``total``."""
        weights = self._settings.weights
        batch = self._crops.draw(self._settings.batch_size)
        quality = torch.rand(len(batch.image))
        output = self.trained(batch.image, batch.latent, quality)
        n_pixels = batch.image.shape[-2] * batch.image.shape[-1]
        bpp = output.bits() / n_pixels
        error = (output.content_latent.float() - batch.latent).square().flatten(1).mean(dim=1)
        lowest, highest = (math.log(value) for value in weights.rate)
        rate_weight = (lowest + (highest - lowest) * quality).exp()
        ramp = min(1.0, (step + 1) / _RATE_RAMP_STEPS)
        # Dividing by the root of the weight lets every rate pull equally hard on shared weights.
        per_picture = (weights.distance * error + ramp * rate_weight * bpp) / rate_weight.sqrt()
        auxiliary = self.trained.auxiliary_loss()
        return {
            "total": per_picture.mean() + auxiliary,
            "bpp": bpp.mean(),
            "distance": error.mean(),
            "auxiliary": auxiliary,
        }

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return estimated bits per pixel and latent distance at three qualities."""
        average.eval()
        measures = dict[str, float]()
        n_pixels = self._check.shape[-2] * self._check.shape[-1]
        for quality in _CHECK_QUALITIES:
            output = average(
                self._check, self._check_latent, torch.full((len(self._check),), quality)
            )
            error = (output.content_latent - self._check_latent).square().mean()
            name = f"check_{round(100 * quality)}"
            measures[f"{name}_bpp"] = round(output.bits().mean().item() / n_pixels, 4)
            measures[f"{name}_distance"] = round(error.item(), 4)
        average.train()
        return measures
