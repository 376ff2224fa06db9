"""What coding and decoding a picture consists of, stage by stage, and how long each takes.

A stage's amount of work is counted in megapixels where nothing else is said. How long one takes
differs between machines by a factor, and between stages much less: what is known before anything
was measured is the pace of nano on two cores.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from difficmh_core.config.decoding import DecodeSettings

OFFERED_PIXELS = 1_000_000
"""To how many pixels a large picture is shrunk, if its owner likes."""
LARGE_PIXELS = 2_000_000
"""Pictures with more pixels are offered to be shrunk."""
SEARCH_CODINGS = 12
"""How often a picture is coded, at most, to find the best quality within a number of bytes."""


class Stage(StrEnum):
    """The stages, in the order in which they come: those of the encoder, those of the decoder."""

    TAGGING = "tagging"
    """The tagger looks at the picture; counted in pictures, since it shrinks large ones."""
    AUTOENCODER = "autoencoder"
    """The picture becomes its diffusion latent."""
    ANALYSIS = "analysis"
    """The picture becomes the latent y."""
    CODING = "coding"
    """Integers are predicted and written; once for each level that is tried."""
    READING = "reading"
    """Integers are predicted and read."""
    SYNTHESIS = "synthesis"
    """They become the content latent."""
    DENOISING = "denoising"
    """The diffusion model runs; counted in megapixels that it sees, tile by tile."""
    PICTURE = "picture"
    """The latent becomes the picture."""


Load = Mapping[Stage, float]
"""How much work there is, in the order in which it is done."""
Pace = Mapping[Stage, float]
"""How long one unit of each stage takes [s]."""
TWO_CORES: Pace = MappingProxyType(
    {
        Stage.TAGGING: 0.15,
        Stage.AUTOENCODER: 0.9,
        Stage.ANALYSIS: 0.5,
        Stage.CODING: 0.7,
        Stage.READING: 0.7,
        Stage.SYNTHESIS: 0.3,
        Stage.DENOISING: 1.2,
        Stage.PICTURE: 2.8,
    }
)
"""Of nano on two cores, measured on 12 megapixels."""


def encoding_load(n_pixels: int, *, is_tagged: bool, is_searched: bool = False) -> Load:
    """What coding a picture consists of.

    Args:
        n_pixels: Of the picture.
        is_tagged: Whether the tagger is asked.
        is_searched: Whether the quality follows from a number of bytes.
    """
    megapixels = n_pixels / 1e6
    return {
        Stage.TAGGING: 1.0 if is_tagged else 0.0,
        Stage.AUTOENCODER: megapixels,
        Stage.ANALYSIS: megapixels,
        Stage.CODING: megapixels * (SEARCH_CODINGS if is_searched else 1),
    }


def decoding_load(n_pixels: int, n_seen: int, settings: DecodeSettings, *, has_tags: bool) -> Load:
    """What decoding a picture consists of.

    Args:
        n_pixels: Of the picture.
        n_seen: Of its tiles together, which overlap.
        settings: How it is decoded.
        has_tags: Whether guidance has anything to amplify.
    """
    megapixels = n_pixels / 1e6
    n_branches = 2 if has_tags and settings.guidance_scale != 1 else 1
    n_runs = settings.steps * n_branches if settings.realism else 0
    return {
        Stage.READING: megapixels,
        Stage.SYNTHESIS: megapixels,
        Stage.DENOISING: n_runs * n_seen / 1e6,
        Stage.PICTURE: megapixels,
    }
