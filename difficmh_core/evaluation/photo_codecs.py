"""The codecs that the page compares on one photograph: ours in three ways, and the others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.codecs import AbsentCodec, ComparedCodec, OurCodec, find_baselines
from difficmh_core.tagging.tags import Tag

__all__ = ["OURS", "PHOTO_CODECS", "find_photo_codecs"]

OURS = ("ours", "content", "no_tags")
"""Ours as it is, without diffusion, and without tags."""
PHOTO_CODECS = ("ours", "elic", "vvc", "jpeg", "avif", "jxl", "content", "no_tags", "webp")
"""Keys of all of them, in the order in which they are shown."""
_SLOWEST = "vvc"
"""Runs last, so that the others are seen at once."""


def find_photo_codecs(
    codec: DiffICMHCodec,
    keys: Sequence[str],
    cache_dir: Path,
    *,
    settings: DecodeSettings,
    tags: Sequence[Tag],
) -> dict[str, ComparedCodec]:
    """Return the chosen codecs by their keys, in the order in which they run.

    Those that are not at hand come last, each as an :class:`AbsentCodec`.

    Args:
        codec: Ours.
        keys: Which of :data:`PHOTO_CODECS`.
        cache_dir: Where fetched files lie.
        settings: How ours is decoded.
        tags: Of our file.

    Raises:
        ConfigError: If none is chosen, or there is no such codec.
    """
    for key in keys:
        if key not in PHOTO_CODECS:
            raise ConfigError(f"There is no codec {key!r}. Choose from {', '.join(PHOTO_CODECS)}.")
    if not keys:
        raise ConfigError("Choose at least one codec.")
    others, absent = find_baselines([key for key in keys if key not in OURS], cache_dir)
    search = codec.rate_search(tags=tags)
    ours = {
        "ours": (settings, search),
        "content": (replace(settings, realism=0.0), search),
        "no_tags": (settings, codec.rate_search(tags=())),
    }
    found: dict[str, ComparedCodec] = {other.key: other for other in others}
    found |= {key: OurCodec(codec, key, *ours[key]) for key in OURS if key in keys}
    in_turn = sorted((key for key in PHOTO_CODECS if key in found), key=_SLOWEST.__eq__)
    return {key: found[key] for key in in_turn} | {
        key: AbsentCodec(key, absent[key]) for key in PHOTO_CODECS if key in absent
    }
