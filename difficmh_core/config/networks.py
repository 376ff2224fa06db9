"""The networks of one profile: every width and depth, frozen and checked once.

Sizes are ``(height, width)``; widths are channels.

References:
    Diff-ICMH, NeurIPS 2025. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

from dataclasses import dataclass, field
from enum import StrEnum

from difficmh_core.errors import ConfigError

PIXELS_PER_BLOCK = 64
"""Pictures are padded to multiples of this [px]: the stride of the hyper-latent."""
QUALITY_MAX = 100.0
"""Quality runs from 0 (smallest file) to this (best picture)."""
QUALITY_LEVELS = 255
"""The file stores quality in one byte: level = round(quality / 100 * 255)."""


def quality_share(level: int) -> float:
    """The quality in [0, 1] of a level, 0 to 255."""
    return level / QUALITY_LEVELS


class PredictionType(StrEnum):
    """What the U-Net predicts, in the names of diffusers."""

    EPSILON = "epsilon"
    """The noise, as Stable Diffusion 2.1-base and the published system do."""
    V = "v_prediction"
    """``sqrt(alpha_bar) * noise - sqrt(1 - alpha_bar) * clean`` (Salimans and Ho 2022)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderConfig:
    """The autoencoder between pictures and diffusion latents (diffusers ``AutoencoderKL``).

    Attributes:
        block_channels: Width of each level; each but the last ends in a downsampling by 2.
        layers_per_block: Residual blocks per level.
        mid_attention: Whether the middle block attends over all positions.
        norm_groups: Groups of each group normalization; ``None`` leaves normalization out.
        scaling_factor: Multiplies the latent to about unit variance.
        patch_px: Side of the squares of pixels that become channels of one position [px].
        detail_channels: Widths of the decoder's detail layers, each at twice the size of the one
            before, up to full size; empty leaves them out.
        diffusion_channels: Channels of the diffusion latent.
    """

    block_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    mid_attention: bool = True
    norm_groups: int | None = 32
    scaling_factor: float = 0.18215
    patch_px: int = 1
    detail_channels: tuple[int, ...] = ()
    diffusion_channels: int = 4

    def __post_init__(self) -> None:
        """Refuse a stride other than 8, on which every other part relies."""
        if self.patch_px * 2 ** (len(self.block_channels) - 1) != 8:
            raise ConfigError(
                "The autoencoder's stride must be 8 (patch_px times 2 for each level after the "
                f"first), got {len(self.block_channels)} levels and patch_px {self.patch_px}."
            )
        if self.detail_channels and 2 ** len(self.detail_channels) != self.patch_px:
            raise ConfigError(
                "The detail layers must double the size until patch_px is reached, got "
                f"{len(self.detail_channels)} widths and patch_px {self.patch_px}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """The diffusion U-Net.

    Attributes:
        block_channels: Width of each level.
        attention_levels: For each level, whether its blocks hold transformers.
        layers_per_block: Residual blocks per level on the way down; one more on the way up.
        head_channels: Channels of one attention head.
        context_channels: Width of the context that cross-attention reads.
        norm_groups: Groups of each group normalization.
        diffusion_channels: Channels of the diffusion latent.
    """

    block_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    layers_per_block: int = 2
    head_channels: int = 64
    context_channels: int = 1024
    norm_groups: int = 32
    diffusion_channels: int = 4

    def __post_init__(self) -> None:
        """Refuse levels that do not pair up."""
        if len(self.block_channels) != len(self.attention_levels):
            raise ConfigError(
                f"The U-Net has {len(self.block_channels)} levels, but attention is set for "
                f"{len(self.attention_levels)}; give one value per level."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlConfig:
    """The control module, a second encoder half beside the U-Net's.

    Attributes:
        width: Its channels as a fraction of the U-Net's, in (0, 1].
        head_channels: Channels of one attention head; narrower than the U-Net's.
    """

    width: float = 1.0
    head_channels: int = 16

    def __post_init__(self) -> None:
        """Refuse a width outside its range."""
        if not 0 < self.width <= 1:
            raise ConfigError(f"The control width must lie in (0, 1], got {self.width}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentCodecConfig:
    """The learned codec of the content latent.

    Attributes:
        stage_channels: Width of the analysis transform at strides 2, 4, 8 and 16.
        hyper_channels: Channels N of the hyper-latent z.
        latent_channels: Channels M of the latent y; the sum of ``slice_channels``.
        prior_channels: Width of the features that modulate the transforms.
        modulation_channels: Hidden width of each modulation (SFT) layer.
        slice_channels: Channels of each slice of the context model, coded one after another.
        channel_context_channels: The two hidden widths of each channel context network.
        n_rate_points: Gain vectors per channel; 1 means one fixed rate and no gain.
        mean_grid_bits: Predicted means are quantized to multiples of ``2**-mean_grid_bits``.
        diffusion_channels: Channels of the diffusion latent.
    """

    stage_channels: tuple[int, int, int, int] = (64, 128, 192, 192)
    hyper_channels: int = 192
    latent_channels: int = 320
    prior_channels: int = 64
    modulation_channels: int = 128
    slice_channels: tuple[int, ...] = (8, 8, 8, 8, 16, 16, 32, 32, 96, 96)
    channel_context_channels: tuple[int, int] = (224, 128)
    n_rate_points: int = 1
    mean_grid_bits: int = 16
    diffusion_channels: int = 4

    def __post_init__(self) -> None:
        """Refuse slices that do not add up, and counts outside their ranges."""
        if sum(self.slice_channels) != self.latent_channels:
            raise ConfigError(
                f"The slices hold {sum(self.slice_channels)} channels together, but the latent "
                f"has {self.latent_channels}."
            )
        if self.n_rate_points < 1 or not 0 <= self.mean_grid_bits <= 20:
            raise ConfigError(
                "n_rate_points must be at least 1 and mean_grid_bits in 0 to 20, got "
                f"{self.n_rate_points} and {self.mean_grid_bits}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTowerConfig:
    """The CLIP text tower of Stable Diffusion 2.1 (OpenCLIP ViT-H without its last layer).

    Attributes:
        channels: Width of each token.
        feed_forward_channels: Hidden width of each feed-forward network.
        n_layers: Transformer layers that run (one less than were trained).
        n_heads: Attention heads per layer.
        vocabulary_size: Entries of the byte-pair vocabulary.
        max_tokens: Tokens per prompt; shorter prompts are padded, longer ones cut.
    """

    channels: int = 1024
    feed_forward_channels: int = 4096
    n_layers: int = 23
    n_heads: int = 16
    vocabulary_size: int = 49408
    max_tokens: int = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditioningConfig:
    """How tags become the context of cross-attention.

    Attributes:
        vocabulary: Name of the tag vocabulary, see :mod:`difficmh_core.tagging`.
        vocabulary_size: Number of tags in it.
        max_tags: Most tags that one file may hold.
        text_tower: Settings of the CLIP text tower; ``None`` for one embedding per tag.
    """

    vocabulary: str = "ram"
    vocabulary_size: int = 4585
    max_tags: int = 64
    text_tower: TextTowerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    """The noise schedule: square roots of beta, linear in the timestep.

    Attributes:
        n_timesteps: Timesteps of training.
        beta_start: Noise variance added at the first timestep.
        beta_end: Noise variance added at the last timestep.
        prediction: What the U-Net predicts.
    """

    n_timesteps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.0120
    prediction: PredictionType = PredictionType.EPSILON


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    """All networks of one profile.

    Attributes:
        profile: Name of the profile, as the file format numbers it.
        autoencoder: Between pictures and diffusion latents.
        unet: The frozen generative prior.
        control: What steers it.
        latent_codec: What is stored.
        conditioning: How tags reach the U-Net.
        schedule: The noise schedule.
        rate: Weight of the rate with which the latent codec was trained, 1 to 255, where it codes
            with one rate only; files hold it in the place of the quality.
        rate_weights: Weight of a bit per pixel beside the losses on the picture for which
            quality 0 and quality 1 were trained, log-linear between; ``None`` if there were none.
    """

    profile: str = "sd21"
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)
    control: ControlConfig = field(default_factory=ControlConfig)
    latent_codec: LatentCodecConfig = field(default_factory=LatentCodecConfig)
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    rate: int | None = None
    rate_weights: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse parts that disagree on the latent that they share."""
        parts = (self.autoencoder, self.unet, self.latent_codec)
        found = [part.diffusion_channels for part in parts]
        if len(set(found)) > 1:
            raise ConfigError(
                "Autoencoder, U-Net and latent codec must have the same diffusion_channels, got "
                f"{found}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ElicConfig:
    """Widths of an ELIC; the defaults are the reduced ones that are trained here.

    Attributes:
        channels: Of the transforms, N in the paper (192 there).
        latent_channels: M in the paper (320 there).
        groups: Channels of each group that is coded after the other; they sum up to M.
        n_rate_points: Gain vectors; 0 for a network of one rate, as published.
        gain_spread: Gain of the highest quality divided by that of the lowest, at the start.
        is_chandelier: Whether the context model is that of Chandelier's simpler network, to which
            most published weights belong.
    """

    channels: int = 64
    latent_channels: int = 96
    groups: tuple[int, ...] = (16, 16, 24, 40)
    n_rate_points: int = 6
    gain_spread: float = 6.0
    is_chandelier: bool = False
