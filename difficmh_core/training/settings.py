"""Settings of each training stage; what ran is written beside the weights as JSON."""

from dataclasses import dataclass
from enum import StrEnum

from difficmh_core.errors import ConfigError

__all__ = ["LossWeights", "StageName", "StageSettings", "default_settings"]


class StageName(StrEnum):
    """The stages of nano's recipe, in the order in which they run."""

    AUTOENCODER = "autoencoder"
    """Pictures to diffusion latents and back: L1 + LPIPS + KL."""
    DECODER = "decoder"
    """The autoencoder's decoder alone, the encoder frozen, while later stages use its latents."""
    PRIOR = "prior"
    """The tag-conditioned U-Net on latents: noise prediction."""
    CODEC = "codec"
    """The latent codec alone, all rates: rate + latent distance + picture."""
    CONTROL = "control"
    """The control module on the frozen U-Net: noise prediction, codec as hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weights of the terms of the loss; a stage uses those that concern it.

    Attributes:
        l1: Mean absolute difference of pictures in [0, 1].
        perceptual: LPIPS (alex).
        kl: Kullback-Leibler divergence of the autoencoder's posterior from a normal [nat/value].
        distance: Mean squared difference of content latent and diffusion latent.
        diffusion: Mean squared error of the U-Net's prediction.
        rate: Bits per pixel at the lowest and the highest quality; between them log-linear.
    """

    l1: float = 0.0
    perceptual: float = 0.0
    kl: float = 0.0
    distance: float = 0.0
    diffusion: float = 0.0
    rate: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How one stage is trained.

    Attributes:
        minutes: Time to train, validation included [min]; the learning rate decays over it.
        batch_size: Crops per step.
        crop_px: Side of the crops [px], a multiple of 64.
        learning_rate: Peak learning rate of AdamW.
        warmup_steps: Steps over which the learning rate rises from zero.
        ema_decay: Decay of the moving average of the weights per step; the average ships.
        weights: Weights of the loss.
        tag_dropout: Share of the pictures whose tags are hidden, in [0, 1].
        seed: Seed of crops, noise and timesteps.
        bfloat16: Whether matrix products run in bfloat16.
        save_every_s: Seconds between checkpoints [s].
        log_every: Steps between lines of the log.
        validate_every_s: Seconds between validations [s].
    """

    minutes: float
    batch_size: int = 8
    crop_px: int = 128
    learning_rate: float = 4e-4
    warmup_steps: int = 100
    ema_decay: float = 0.998
    weights: LossWeights = LossWeights()
    tag_dropout: float = 0.1
    seed: int = 231
    bfloat16: bool = True
    save_every_s: float = 180.0
    log_every: int = 25
    validate_every_s: float = 600.0

    def __post_init__(self) -> None:
        """Refuse values that no stage can run with."""
        if self.minutes <= 0 or self.batch_size < 1:
            raise ConfigError(
                f"minutes must be above 0 and batch_size at least 1, got {self.minutes} and "
                f"{self.batch_size}."
            )
        if self.crop_px < 64 or self.crop_px % 64:
            raise ConfigError(f"crop_px must be a multiple of 64, got {self.crop_px}.")


def default_settings(stage: StageName) -> StageSettings:
    """Return the settings with which two CPU cores train a stage of nano, version 1."""
    match stage:
        case StageName.AUTOENCODER:
            weights = LossWeights(l1=2.0, perceptual=1.0, kl=1e-6)
            return StageSettings(minutes=46, weights=weights)
        case StageName.DECODER:
            return StageSettings(minutes=22, weights=LossWeights(l1=2.0, perceptual=1.0))
        case StageName.PRIOR:
            return StageSettings(
                minutes=28.5,
                batch_size=32,
                crop_px=256,
                learning_rate=8e-4,
                weights=LossWeights(diffusion=1.0),
            )
        case StageName.CODEC:
            weights = LossWeights(distance=1.0, rate=(3.0, 0.06))
            return StageSettings(minutes=29, learning_rate=1e-3, weights=weights)
        case StageName.CONTROL:
            weights = LossWeights(diffusion=1.0)
            return StageSettings(minutes=26, crop_px=256, learning_rate=8e-4, weights=weights)
