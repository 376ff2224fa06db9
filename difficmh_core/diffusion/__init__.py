"""The generative prior: autoencoder, controlled U-Net, conditioning, schedules and samplers."""

from difficmh_core import quick_imports, torchvision_operators  # noqa: F401 (before diffusers' models)
