"""The profiles: which networks, by name.

``nano`` ships with this package and runs on two CPU cores. ``sd21`` is the published system.
``tiny`` has random weights: the real classes in a size for tests, never a picture to look at.
"""

from difficmh_core.config.networks import (
    AutoencoderConfig,
    CodecConfig,
    ConditioningConfig,
    ControlConfig,
    LatentCodecConfig,
    PredictionType,
    ScheduleConfig,
    UNetConfig,
)

__all__ = ["DEFAULT_RATE", "NANO", "PROFILE_NAMES", "TINY"]

PROFILE_NAMES = ("nano", "sd21", "tiny")
DEFAULT_RATE = 4
"""Which of sd21's checkpoints, where none is named."""

NANO = CodecConfig(
    profile="nano",
    autoencoder=AutoencoderConfig(
        block_channels=(128, 256),
        layers_per_block=1,
        mid_attention=False,
        norm_groups=None,
        patch_px=4,
        detail_channels=(96, 32),
        scaling_factor=1.0869361198615195,  # measured by the training stage 'latents'
        diffusion_channels=8,
    ),
    unet=UNetConfig(
        block_channels=(32, 64, 96),
        attention_levels=(False, True, True),
        layers_per_block=1,
        head_channels=16,
        context_channels=64,
        norm_groups=8,
        diffusion_channels=8,
    ),
    control=ControlConfig(width=1.0, head_channels=8),
    latent_codec=LatentCodecConfig(
        stage_channels=(32, 64, 128, 128),
        hyper_channels=64,
        latent_channels=96,
        prior_channels=32,
        modulation_channels=48,
        slice_channels=(8, 8, 16, 24, 40),
        channel_context_channels=(96, 64),
        n_rate_points=4,
        mean_grid_bits=8,
        diffusion_channels=8,
    ),
    conditioning=ConditioningConfig(vocabulary="imagenet+coco", vocabulary_size=1080, max_tags=16),
    schedule=ScheduleConfig(prediction=PredictionType.V),
    rate_weights=(22.6, 0.585),  # of the last stage, 16 to 0.9, at what are the ends now
)

TINY = CodecConfig(
    profile="tiny",
    autoencoder=AutoencoderConfig(
        block_channels=(8, 8, 16, 16),
        layers_per_block=1,
        mid_attention=False,
        norm_groups=4,
    ),
    unet=UNetConfig(
        block_channels=(16, 32),
        attention_levels=(False, True),
        layers_per_block=1,
        head_channels=16,
        context_channels=16,
        norm_groups=8,
    ),
    control=ControlConfig(width=0.5, head_channels=8),
    latent_codec=LatentCodecConfig(
        stage_channels=(8, 8, 12, 12),
        hyper_channels=8,
        latent_channels=16,
        prior_channels=8,
        modulation_channels=8,
        slice_channels=(4, 4, 8),
        channel_context_channels=(16, 12),
        n_rate_points=4,
        mean_grid_bits=8,
    ),
    conditioning=ConditioningConfig(vocabulary="imagenet+coco", vocabulary_size=1080, max_tags=16),
    schedule=ScheduleConfig(prediction=PredictionType.V),
    rate_weights=(10.0, 1.0),  # nobody trained it: as good as any
)
"""The real architecture in a size that runs in well under a second on two cores."""
