"""The trained parts of one profile, as the codec takes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import Conditioner
from difficmh_core.diffusion.control import ControlledUNet
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.shapes import Image01
from difficmh_core.tagging.tags import Tag

Tagger = Callable[[Image01], Sequence[Tag]]
"""From one picture to its tags, most confident first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Networks:
    """The trained parts of one profile.

    Attributes:
        autoencoder: Between pictures and diffusion latents.
        latent_codec: What is stored.
        unet: The frozen U-Net with its control module.
        conditioner: From tag ids to the context of cross-attention.
        preview: From a latent to a small picture, cheaply.
    """

    autoencoder: Autoencoder
    latent_codec: LatentCodec
    unet: ControlledUNet
    conditioner: Conditioner
    preview: LatentPreview
