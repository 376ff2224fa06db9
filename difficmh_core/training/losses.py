"""The losses of the recipe, each a function of tensors.

References:
    Diff-ICMH, NeurIPS 2025, section 3.4. Code: https://github.com/RuoyuFeng/Diff-ICMH
    Ho et al.: Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    Salimans, Ho: Progressive Distillation for Fast Sampling of Diffusion Models, 2022 (v),
    https://arxiv.org/abs/2202.00512
    Hang et al.: Efficient Diffusion Training via Min-SNR Weighting Strategy, 2023,
    https://arxiv.org/abs/2303.09556
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import Context, DiffusionLatent, Timesteps
from difficmh_core.training.settings import FeatureDistance, SemanticSettings

Predictor = Callable[[Tensor, Tensor], Tensor]
"""``(noisy latents, timesteps)`` to what the schedule asks for: the noise, or v."""


def prediction_error(
    predict: Predictor,
    schedule: NoiseSchedule,
    latent: DiffusionLatent,
    noise: DiffusionLatent,
    timesteps: Timesteps,
    *,
    min_snr: float | None = None,
) -> Float[Tensor, ""]:
    """Return the mean squared error of a prediction from noisy latents.

    Args:
        predict: The network.
        schedule: Says how noisy a timestep is, and what is to be predicted.
        latent: Clean latents.
        noise: Standard normal noise.
        timesteps: One for each latent.
        min_snr: Ceiling of the signal-to-noise ratio in the weight of each timestep, for v
            prediction ``min(snr, ceiling) / (snr + 1)``; ``None`` weighs all timesteps alike.
    """
    noisy = schedule.add_noise(latent, noise, timesteps)
    target = schedule.target(latent, noise, timesteps)
    error = (predict(noisy, timesteps).float() - target).square().flatten(1).mean(dim=1)
    if min_snr is not None:
        alpha_bar = schedule.alpha_bar.to(timesteps.device)[timesteps].to(error)
        snr = alpha_bar / (1 - alpha_bar)
        error = error * snr.clamp(max=min_snr) / (snr + 1)
    return error.mean()


def random_prediction_error(
    predict: Predictor,
    schedule: NoiseSchedule,
    latent: DiffusionLatent,
    *,
    min_snr: float | None = None,
) -> Float[Tensor, ""]:
    """Return :func:`prediction_error` with random noise, at a random timestep for each latent."""
    noise = torch.randn_like(latent)
    timesteps = torch.randint(schedule.config.n_timesteps, (len(latent),), device=latent.device)
    return prediction_error(predict, schedule, latent, noise, timesteps, min_snr=min_snr)


def latent_distance(
    content_latent: DiffusionLatent, latent: DiffusionLatent
) -> Float[Tensor, " batch"]:
    """Return the mean squared difference of each pair of latents."""
    return (content_latent.float() - latent.float()).square().flatten(1).mean(dim=1)


def semantic_distance(
    unet: DenoisingUNet,
    schedule: NoiseSchedule,
    content_latent: DiffusionLatent,
    latent: DiffusionLatent,
    context: Context,
    settings: SemanticSettings,
    noise: DiffusionLatent | None = None,
) -> Float[Tensor, ""]:
    """The distance at which the frozen U-Net sees content latent and diffusion latent.

    Gradients reach the content latent only.

    Args:
        unet: The U-Net without control, frozen.
        schedule: Noise at each timestep.
        content_latent: What the codec stored.
        latent: The picture's diffusion latent.
        context: What cross-attention reads, the same for both.
        settings: Block, timesteps and distance.
        noise: Noise of both latents where the settings ask for it; ``None`` draws it.
    """
    n = len(latent)
    if settings.timesteps is None:
        timesteps = torch.zeros(n, dtype=torch.int64, device=latent.device)
    else:
        timesteps = torch.randint(*settings.timesteps, (n,), device=latent.device)
        noise = torch.randn_like(latent) if noise is None else noise
        content_latent = schedule.add_noise(content_latent, noise, timesteps)
        latent = schedule.add_noise(latent, noise, timesteps)
    ours = unet.features(content_latent, timesteps, context, block=settings.block).float()
    with torch.no_grad():
        theirs = unet.features(latent, timesteps, context, block=settings.block).float()
    if settings.distance is FeatureDistance.COSINE:
        return (1 - functional.cosine_similarity(ours, theirs, dim=1)).mean()
    difference = functional.normalize(ours) - functional.normalize(theirs)
    return difference.square().sum(dim=1).mean()


def rate_weights(
    quality: Float[Tensor, " batch"], ends: tuple[float, float]
) -> Float[Tensor, " batch"]:
    """Return the weight of bits per pixel at each quality in [0, 1], log-linear between ends."""
    lowest, highest = torch.tensor(ends, device=quality.device).log()
    weights: Tensor = (lowest + (highest - lowest) * quality).exp()
    return weights
