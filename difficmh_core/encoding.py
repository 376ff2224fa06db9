"""A coded picture: its bytes, what each section costs, and the search for a target size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag

__all__ = ["QUALITY_LEVELS", "Encoded", "best_that_fits", "section_bits_of"]

QUALITY_LEVELS = 255
"""The file stores quality in one byte: level = round(quality / 100 * 255)."""
_LEVELS_BEYOND = 3
"""File size is not strictly monotonic in quality: levels tried beyond the first too large one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """A coded picture, and what it cost.

    Attributes:
        stream: The parsed file.
        data: The bytes of the file.
        tags: The tags in it, most confident first; typed tags have confidence 1.
        section_bits: Bits of each section, summing to the file's: header, tags, hyper, latent,
            corrections, checks.
    """

    stream: Bitstream
    data: bytes
    tags: tuple[Tag, ...]
    section_bits: Mapping[str, float]


def section_bits_of(stream: Bitstream, n_hyper_bits: float) -> dict[str, float]:
    """Return the bits of each section, the payload split into hyper-latent and latent.

    Args:
        stream: The file.
        n_hyper_bits: Share of the hyper-latent in the payload [bit].
    """
    bits = {section.name: 8.0 * section.n_bytes for section in stream.sections()}
    payload = bits.pop("payload")
    hyper = min(n_hyper_bits, payload)
    order = {"header": bits["header"], "tags": bits["tags"], "hyper": hyper}
    return order | {"latent": payload - hyper} | bits


def best_that_fits(at_level: Callable[[int], Encoded], target_bytes: int) -> Encoded:
    """Return the highest quality whose file has at most ``target_bytes``.

    Args:
        at_level: Codes the picture at a level, 0 to :data:`QUALITY_LEVELS`.
        target_bytes: Largest file [bytes].

    Raises:
        ConfigError: If even the smallest file is larger.
    """
    best = at_level(0)
    if len(best.data) > target_bytes:
        raise ConfigError(
            f"No quality fits into {target_bytes} bytes: the smallest file of this picture has "
            f"{len(best.data)}. Allow more bytes, drop the tags, or shrink the picture."
        )
    low, high = 0, QUALITY_LEVELS + 1  # low fits, high does not
    while high - low > 1:
        middle = (low + high) // 2
        candidate = at_level(middle)
        if len(candidate.data) <= target_bytes:
            best, low = candidate, middle
        else:
            high = middle
    for level in range(high + 1, min(high + _LEVELS_BEYOND, QUALITY_LEVELS) + 1):
        candidate = at_level(level)
        if len(candidate.data) <= target_bytes:
            best = candidate
    return best
