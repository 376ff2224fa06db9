"""What each stage of nano is trained with, and the settings of the published system."""

from difficmh_core.training.settings import (
    AutoencoderSettings,
    CodecSettings,
    ElicSettings,
    FewStepSettings,
    JointSettings,
    PictureWeights,
    PriorSettings,
    SemanticSettings,
    StageName,
    StageSettings,
)


def default_settings(stage: StageName) -> StageSettings:
    """Return the settings with which two CPU cores train a stage of nano."""
    match stage:
        case StageName.AUTOENCODER:
            return AutoencoderSettings(minutes=45, batch_size=4)
        case StageName.DECODER:
            picture = PictureWeights(l1=2.0, lpips=1.0, adversarial=0.2, adversarial_from=0.2)
            return AutoencoderSettings(minutes=20, batch_size=4, picture=picture)
        case StageName.PRIOR:
            return PriorSettings(minutes=20, batch_size=16, crop_px=256, learning_rate=8e-4)
        case StageName.CODEC:
            # The distance alone: without pictures a step takes a quarter of the time, and what the
            # transforms do not pass at high rates they never learn to pass later.
            return CodecSettings(
                minutes=25,
                batch_size=8,
                learning_rate=1e-3,
                rate=(15.0, 0.5),
                rate_ramp_steps=2000,
            )
        case StageName.JOINT:
            picture = PictureWeights(l1=0.7, lpips=1.25, dists=1.0, dists_share=0.5)
            return JointSettings(
                minutes=45,
                batch_size=4,
                learning_rate=3e-4,
                rate=(13.0, 3.0),
                distance=0.5,
                semantic=SemanticSettings(weight=2.0, block=1),
                picture=picture,
                trains_decoder=True,
                predicted=0.5,
            )
        case StageName.FEW_STEP:
            picture = PictureWeights(l1=0.5, lpips=1.0, dists=2.5, dists_share=0.5)
            return FewStepSettings(minutes=35, batch_size=4, learning_rate=2.5e-4, picture=picture)
        case StageName.ELIC:
            return ElicSettings(minutes=100, batch_size=4, crop_px=192, learning_rate=6e-4)


PAPER_SETTINGS = JointSettings(
    minutes=60 * 24 * 30,
    steps=300_000,
    batch_size=4,
    crop_px=512,
    learning_rate=5e-5,
    weight_decay=1e-2,
    warmup_steps=0,
    gradient_norm=None,
    decays=False,
    bfloat16=False,
    rate=(2.0, 2.0),
    rate_ramp_steps=0,
    quantiles_learning_rate=1e-3,
    semantic=SemanticSettings(weight=2.0),
)
"""The published settings of stage ``joint``: constant learning rate, no gradient clipping, single
precision.

The released runs train one checkpoint per rate: first at a high rate (the lowest weight), then
fine-tuned from it at each of the weights 2, 4, 8, 16 and 32.
"""
