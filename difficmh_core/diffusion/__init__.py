"""The generative prior: autoencoder, controlled U-Net, conditioning, schedules and samplers."""

from difficmh_core._support import (  # noqa: F401 (before diffusers' models)
    diffusers_imports,
    torchvision_operators,
)
