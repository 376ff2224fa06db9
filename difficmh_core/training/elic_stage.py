"""Stage ``elic``: the learned codec beside ours, trained for mean squared error.

Each picture of a batch gets a random quality, and with it a weight of its error between the two
ends of :attr:`ElicSettings.distortion`, log-linear; one network learns every rate.

References:
    He et al.: ELIC, CVPR 2022, https://arxiv.org/abs/2203.10886
    Minnen, Singh: Channel-wise Autoregressive Entropy Models, 2020,
    https://arxiv.org/abs/2007.08739 (rounding in the forward pass, noise for the rate)
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core.baselines.elic_network import ElicNetwork
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.shapes import Image01
from difficmh_core.training.data import Crops
from difficmh_core.training.losses import rate_weights
from difficmh_core.training.settings import ElicSettings
from difficmh_core.training.stage import Progress, Stage

_CHECK_QUALITIES = (0.0, 0.5, 1.0)
_PEAK = 255.0  # errors count in 8-bit values, as the literature's weights do


class ElicStage(Stage):
    """Train ELIC: bits per pixel + weighted mean squared error."""

    settings: ElicSettings

    def __init__(self, settings: ElicSettings, network: ElicNetwork, check: Image01) -> None:
        """Train the network from its random weights."""
        super().__init__(settings)
        self.trained = network.train()
        self.register_buffer("check", check, persistent=False)

    def forward(self, batch: Crops, progress: Progress) -> dict[str, Tensor]:
        """Return ``bpp``, ``mse`` (8-bit values squared), ``auxiliary`` and the ``total``."""
        settings, network = self.settings, cast(ElicNetwork, self.trained)
        quality = torch.rand(len(batch.image), device=batch.image.device)
        output = network(batch.image, quality)
        bpp = output.bits / (batch.image.shape[-2] * batch.image.shape[-1])
        mse = (output.image - batch.image).square().flatten(1).mean(dim=1) * _PEAK**2
        weight = rate_weights(quality, settings.distortion)
        # Every rate pulls about equally hard on shared weights.
        emphasis = ((settings.distortion[0] * settings.distortion[1]) ** 0.5 / weight).sqrt()
        ramp = min(1.0, (progress.step + 1) / max(1, settings.rate_ramp_steps))
        auxiliary = network.auxiliary_loss()
        total = (emphasis * (weight * mse + ramp * bpp)).mean()
        return {
            "bpp": bpp.mean(),
            "mse": mse.mean(),
            "auxiliary": auxiliary,
            "total": total + auxiliary,
        }

    @torch.no_grad()
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return estimated bits per pixel and PSNR [dB] at three qualities."""
        network = cast(ElicNetwork, average)
        was_training = network.training
        network.eval()
        check = cast(Image01, self.check)
        metrics = dict[str, float]()
        for quality in _CHECK_QUALITIES:
            output = network(check, torch.full((len(check),), quality, device=check.device))
            name = f"check_{round(100 * quality)}"
            n_pixels = check.shape[-2] * check.shape[-1]
            metrics[f"{name}_bpp"] = round(output.bits.mean().item() / n_pixels, 4)
            psnr = psnr_db(check, output.image.clamp(0, 1)).mean().item()
            metrics[f"{name}_psnr_db"] = round(psnr, 3)
        network.train(was_training)
        return metrics
