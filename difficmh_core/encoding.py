"""A coded picture: its bytes, its tags, its level, and what each section costs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.coding import DEFAULT_QUALITY
from difficmh_core.config.networks import QUALITY_LEVELS, QUALITY_MAX
from difficmh_core.errors import ConfigError
from difficmh_core.rate_control import best_within
from difficmh_core.shapes import CodecLatent, DiffusionLatent, Image01
from difficmh_core.tagging.tags import Tag
from difficmh_core.tagging.vocabulary import Vocabulary

TagChoice = Sequence[Tag | str] | Literal["auto"] | None
"""What the tagger sees, tags of one's own, or none."""


class Analyzed(NamedTuple):
    """What is known of a picture before it is coded at some level.

    Attributes:
        padded: The picture, its edges repeated up to whole blocks.
        diffusion_latent: Of that.
        y: What is stored, before any rounding.
    """

    padded: Image01
    diffusion_latent: DiffusionLatent
    y: CodecLatent


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
    """The bits of each section, the payload split into hyper-latent and latent.

    Args:
        stream: The file.
        n_hyper_bits: Share of the hyper-latent in the payload [bit].
    """
    bits = {name: 8.0 * n_bytes for name, n_bytes in stream.section_bytes().items()}
    payload = bits.pop("payload")
    hyper = min(n_hyper_bits, payload)
    order = {"header": bits["header"], "tags": bits["tags"], "hyper": hyper}
    return order | {"latent": payload - hyper} | bits


def level_of(quality: float | None, rate: int | None) -> int:
    """The level that a file stores.

    Args:
        quality: 0 (smallest file) to 100 (best picture); ``None`` is 50, or the only rate.
        rate: The model's only rate, if it has no more than one.

    Raises:
        ConfigError: If quality is out of range, or given to a model with one rate.
    """
    if rate is not None:
        if quality is not None:
            raise ConfigError(
                f"These networks code with one rate ({rate}), so quality cannot be set. Load "
                "those of another rate, or leave quality out."
            )
        return rate
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 0 <= quality <= QUALITY_MAX:
        raise ConfigError(f"quality must lie in 0 to 100, got {quality}.")
    return round(quality / QUALITY_MAX * QUALITY_LEVELS)


def resolve_tags(given: Iterable[str | Tag], vocabulary: Vocabulary, most: int) -> tuple[Tag, ...]:
    """The tags that a file stores, each once, in the order given.

    Args:
        given: Names, which get confidence 1, or tags, which stay as they are.
        vocabulary: Knows the names.
        most: How many a file holds.

    Raises:
        ConfigError: If a name is unknown, or there are too many.
    """
    by_id = dict[int, Tag]()
    for tag in given:
        if isinstance(tag, str):
            name = tag.strip()
            tag = Tag(id=vocabulary.index_of(name), name=name, confidence=1.0)
        by_id.setdefault(tag.id, tag)
    if len(by_id) > most:
        raise ConfigError(f"A file holds at most {most} tags, got {len(by_id)}. Remove some.")
    return tuple(by_id.values())


def levels_of(rate: int | None) -> range:
    """The levels at which networks code: all, or the only rate if they have no other."""
    return range(QUALITY_LEVELS + 1) if rate is None else range(rate, rate + 1)


def best_file(at_level: Callable[[int], Encoded], levels: range, target_bytes: int) -> Encoded:
    """Code a picture at the highest quality whose file has at most ``target_bytes``.

    Raises:
        ConfigError: If even the smallest file is larger.
    """
    best = best_within(at_level, levels, target_bytes)
    if len(best.data) > target_bytes:
        raise ConfigError(
            f"No quality fits into {target_bytes} bytes: the smallest file of this image has "
            f"{len(best.data)}. Allow more bytes, drop the tags, or shrink the image."
        )
    return best
