"""Settings of each training stage; what ran is written beside the weights as JSON.

Loss weights are those of the sum that is minimized; a weight of 0 leaves the term out, and its
cost too. What nano and the published system are trained with: :mod:`.default_settings`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from difficmh_core.errors import ConfigError


class StageName(StrEnum):
    """The stages of the recipe, in the order in which they run."""

    AUTOENCODER = "autoencoder"
    """Pictures to diffusion latents and back: L1 + LPIPS + KL, later adversarial."""
    DECODER = "decoder"
    """The autoencoder's decoder alone, the encoder frozen, while later stages use its latents."""
    PRIOR = "prior"
    """The tag-conditioned U-Net on latents: noise prediction."""
    CODEC = "codec"
    """The latent codec alone, all rates: rate + latent distance + picture."""
    JOINT = "joint"
    """The paper's: codec and control module together, the U-Net frozen, all four losses."""
    FEW_STEP = "few-step"
    """Control module and picture decoder for decoding in one to four steps."""
    ELIC = "elic"
    """Not a part of nano: the learned codec that it is compared with."""


class FeatureDistance(StrEnum):
    """How the semantic consistency loss compares features, in the names of the released code."""

    COSINE = "cos"
    """1 minus the cosine between the channels of each position."""
    NORMALIZED_L2 = "normalized_l2"
    """Squared distance between the channels of each position, scaled to length 1: twice the
    other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWeights:
    """Weights of the losses on a decoded picture.

    Attributes:
        l1: Mean absolute difference, pictures in [0, 1].
        lpips: LPIPS (alex).
        dists: DISTS.
        dists_share: Share of a batch on which DISTS, by far the slowest, is computed, in (0, 1].
        color: Mean absolute difference of the mean colors of squares of 32 px, in [0, 1].
        adversarial: How strongly a discriminator pulls: its gradient in the last layer, as a share
            of the gradient of the other terms together; at most about 1.
        adversarial_from: Share of the stage's minutes after which it pulls; it learns before.
    """

    l1: float = 0.0
    lpips: float = 0.0
    dists: float = 0.0
    dists_share: float = 1.0
    color: float = 0.0
    adversarial: float = 0.0
    adversarial_from: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSettings:
    """The semantic consistency loss, on features of the frozen U-Net.

    Attributes:
        weight: Weight of the loss.
        block: Encoder block whose output is compared, from 0; ``None`` is the middle block.
        timesteps: Half-open range of the timesteps at which the U-Net reads both latents, noised
            with the same noise; ``None`` is timestep 0 without noise.
        distance: How features are compared.
    """

    weight: float = 0.0
    block: int | None = None
    timesteps: tuple[int, int] | None = None
    distance: FeatureDistance = FeatureDistance.COSINE


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How one stage is trained; each stage adds its losses.

    Attributes:
        minutes: Time to train, validation included [min]; the learning rate decays over it.
        steps: Steps after which training ends even if minutes are left; the learning rate then
            decays over the steps. Runs that are compared with each other should have equal steps.
        batch_size: Crops per step and process.
        crop_px: Side of the crops [px], a multiple of 64.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: AdamW's weight decay.
        warmup_steps: Steps over which the learning rate rises from zero.
        gradient_norm: Longer gradients are shortened to this norm; ``None`` leaves them.
        decays: Whether the learning rate falls along a cosine to the end of the minutes.
        ema_decay: Decay of the moving average of the weights per step; the average ships.
        seed: Seed of crops, noise and timesteps.
        bfloat16: Whether matrix products run in bfloat16, where the device is fast in it; the log
            says which it was.
        compiled: Whether ``torch.compile`` builds the step; pays on CUDA, not on a CPU.
        workers: Processes that draw crops beside the training; 0 draws them in it.
        on_device: Whether all photographs lie in the memory of the device, and crops and latents
            are made there; keep ``workers`` at 0 then.
        save_every_s: Seconds between checkpoints [s].
        log_every: Steps between lines of the log.
        validate_every_s: Seconds between validations [s].
    """

    minutes: float
    steps: int | None = None
    batch_size: int = 8
    crop_px: int = 128
    learning_rate: float = 4e-4
    weight_decay: float = 1e-3
    warmup_steps: int = 100
    gradient_norm: float | None = 1.0
    decays: bool = True
    ema_decay: float = 0.999
    seed: int = 231
    bfloat16: bool = True
    compiled: bool = False
    workers: int = 0
    on_device: bool = False
    save_every_s: float = 180.0
    log_every: int = 25
    validate_every_s: float = 300.0

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.batch_size < 1:
            raise ConfigError(
                f"minutes must be above 0 and batch_size at least 1, got {self.minutes} and "
                f"{self.batch_size}."
            )
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"steps must be at least 1, or None for no limit, got {self.steps}.")
        if self.crop_px < 64 or self.crop_px % 64:
            raise ConfigError(f"crop_px must be a multiple of 64, got {self.crop_px}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderSettings(StageSettings):
    """Stages ``autoencoder`` and ``decoder``.

    Attributes:
        picture: Losses on the decoded picture.
        kl: Weight of the posterior's divergence from a normal distribution [nat/value].
    """

    picture: PictureWeights = PictureWeights(l1=2.0, lpips=1.0)
    kl: float = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSettings(StageSettings):
    """Stage ``prior``.

    Attributes:
        tag_dropout: Share of the pictures whose tags are hidden, in [0, 1].
        min_snr: Ceiling gamma of the signal-to-noise ratio in the weight of each timestep
            (Hang et al. 2023, https://arxiv.org/abs/2303.09556); ``None`` weighs all alike.
        controlled: Share of the batch that content latents steer, in [0, 1]: the control module
            then learns together with the U-Net, on what stage ``contents`` made. 0 trains the
            U-Net alone, as published.
    """

    tag_dropout: float = 0.1
    min_snr: float | None = None
    controlled: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings(StageSettings):
    """Stages that train a latent codec.

    Attributes:
        rate_ramp_steps: Steps over which the rate term grows in: transforms that leave things out
            from the beginning do not learn to pass them later.
        quantiles_learning_rate: Learning rate of the factorized prior's quantiles.
    """

    rate_ramp_steps: int = 300
    quantiles_learning_rate: float = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecSettings(RateSettings):
    """Stage ``codec``.

    Attributes:
        rate: Weight of bits per pixel at the lowest and the highest quality; log-linear between,
            a random quality for each picture. Equal ends train one rate.
        distance: Weight of the mean squared difference of content and diffusion latent.
        picture: Losses on the content latent's picture, through the frozen autoencoder.
        trains_decoder: Whether the autoencoder's decoder is trained too, on content latents.
    """

    rate: tuple[float, float] = (3.0, 0.06)
    distance: float = 1.0
    picture: PictureWeights = PictureWeights()
    trains_decoder: bool = False

    def __post_init__(self) -> None:
        StageSettings.__post_init__(self)
        if min(self.rate) <= 0:
            raise ConfigError(f"Both rate weights must be above 0, got {self.rate}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class JointSettings(CodecSettings):
    """Stage ``joint``, the paper's.

    Attributes:
        diffusion: Weight of the error of the controlled U-Net's prediction.
        semantic: The semantic consistency loss.
        batch_tag_dropout: Probability that the tags of a whole batch are hidden.
        trains_codec: Whether the codec is trained further, or only the control module.
        predicted: Share of the batch whose picture losses see what the U-Net makes of the noised
            content latent in one step, in [0, 1]; the others see the content latent itself.
        start: Part of the schedule that is walked in few steps, in (0, 1]; the presets' start.
        decoding_steps: Timesteps of this many DDIM steps are trained on pictures.
        from_content: Share of the predicted that begin at the first step, see ``FewStepSettings``.
    """

    diffusion: float = 1.0
    semantic: SemanticSettings = field(default_factory=SemanticSettings)
    batch_tag_dropout: float = 0.1
    trains_codec: bool = True
    predicted: float = 0.0
    start: float = 0.05
    decoding_steps: int = 2
    from_content: float = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class FewStepSettings(StageSettings):
    """Stage ``few-step``.

    Attributes:
        start: Part of the schedule that is walked, in (0, 1]; the presets' start.
        decoding_steps: Timesteps of this many DDIM steps are trained.
        from_content: Share of the pictures that begin at the first step, from the noised content
            latent; the others begin at a random step, from the noised diffusion latent.
        picture: Losses on the decoded prediction.
        distance: Weight of the mean squared difference of predicted and diffusion latent.
        diffusion: Weight of the noise prediction over the whole schedule, which keeps decoding in
            many steps alive.
        batch_tag_dropout: Probability that the tags of a whole batch are hidden.
        trains_decoder: Whether the autoencoder's decoder is trained too.
        trains_unet: Whether the U-Net is trained too, or stays as the prior left it.
        clean: Share of the batch whose clean latents are decoded and compared, too, in [0, 1].
        content: Share of the batch whose content latents are, too.
    """

    start: float = 0.05
    decoding_steps: int = 2
    from_content: float = 0.7
    picture: PictureWeights = PictureWeights(l1=2.0, lpips=1.0)
    distance: float = 0.1
    diffusion: float = 0.2
    batch_tag_dropout: float = 0.1
    trains_decoder: bool = True
    trains_unet: bool = False
    clean: float = 0.0
    content: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ElicSettings(RateSettings):
    """Stage ``elic``.

    Attributes:
        distortion: Weight of the mean squared error of 8-bit values, beside bits per pixel, at
            the lowest and the highest quality; log-linear between, a random quality for each
            picture.
    """

    distortion: tuple[float, float] = (1e-4, 4e-3)

    def __post_init__(self) -> None:
        StageSettings.__post_init__(self)
        if min(self.distortion) <= 0:
            raise ConfigError(f"Both distortion weights must be above 0, got {self.distortion}.")
