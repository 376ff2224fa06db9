"""Tags: vocabularies, what a picture shows, and the networks that see it."""

from difficmh_core import torchvision_operators  # noqa: F401 (before torchvision)
