"""One photograph by the codecs of the compare tab: results are kept, and worded for visitors."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.config.comparison import BASELINES
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.codecs import (
    AbsentCodec,
    ComparedCodec,
    OurCodec,
    find_codecs,
)
from difficmh_core.evaluation.comparison import PhotoComparison, Row
from difficmh_core.tagging.detector import Detection
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.compare import texts
from difficmh_core.ui.runtime.cache import Entry, key_of
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.letters import TextAgreement, TextPlace

LOGGER = logging.getLogger(__name__)
OURS = tuple(key for key in texts.CODECS if key not in BASELINES)
"""Ours as it is, without diffusion, and without tags."""
_SLOWEST = "vvc"
"""Runs last, so that the others are seen at once."""
_PATH = re.compile(r"(?<![\w.:/])/(?:[^\s/:]+/)+(?=[^\s/:])")
"""The folders of an absolute path, but no part of an address or of a relative path."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonInput:
    """What is compared.

    Attributes:
        photo: The photograph.
        image: Its pixels.
        target_bytes: What each file may hold [bytes].
        tags: Of our file.
        settings: How ours is decoded.
    """

    photo: Photo
    image: Image.Image
    target_bytes: int
    tags: tuple[Tag, ...]
    settings: DecodeSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One codec's file, decoded and measured.

    Attributes:
        key: Of the codec, one of :data:`texts.CODECS`.
        row: The numbers, or why there are none.
        png: The decoded picture; empty if there is none.
        boxes: Its boxes against the original's; ``None`` without a detector.
        text: Its text against the original's; ``None`` without a reader.
    """

    key: str
    row: Row
    png: bytes = b""
    boxes: BoxAgreement | None = None
    text: TextAgreement | None = None


def codecs_of(
    service: CodecService, keys: Sequence[str], asked: ComparisonInput
) -> dict[str, ComparedCodec]:
    """Return the chosen codecs by their keys, in the order in which they run: absent ones last.

    Raises:
        ConfigError: If none is chosen, or there is no such codec.
    """
    if not keys:
        raise ConfigError("Choose at least one codec.")
    codec, settings = service.codec, asked.settings
    search = codec.rate_search(tags=asked.tags)
    ours = {
        "ours": partial(OurCodec, codec, "ours", settings, search),
        "content": partial(OurCodec, codec, "content", replace(settings, realism=0.0), search),
        "no_tags": partial(OurCodec, codec, "no_tags", settings, codec.rate_search(tags=())),
    }
    found = find_codecs(keys, ours, service.weights_dir)
    order = sorted(texts.CODECS, key=_SLOWEST.__eq__)
    order.sort(key=lambda key: isinstance(found.get(key), AbsentCodec))
    return {key: found[key] for key in order if key in found}


def measure_one(
    service: CodecService, key: str, codec: ComparedCodec, asked: ComparisonInput
) -> Measured:
    """Return one codec's file of so many bytes, decoded and measured; a kept one at once."""
    settings = (asked.tags, asked.settings) if key in OURS else ()
    place = key_of(
        "comparison", service.model, asked.photo.digest, asked.target_bytes, key, codec.name,
        codec.version, settings,
    )  # fmt: skip
    kept = service.results.get(place)
    if kept is not None:
        return Measured(
            key=key,
            row=Row(**kept.facts["row"]),
            png=kept.data,
            boxes=_boxes_from(kept.facts["boxes"]),
            text=_text_from(kept.facts["text"]),
        )
    comparison = PhotoComparison(
        asked.photo.name,
        asked.image,
        service.evaluator,
        features=lambda: service.features(asked.photo, asked.image),
    )
    result = comparison.measure(codec, asked.target_bytes)
    if result.picture is None:
        return Measured(key=key, row=_worded(service, key, codec, result.row))
    png, boxes, text = png_of(result.picture), result.boxes, result.text
    told = {
        "row": result.row.to_json(),
        "boxes": None if boxes is None else asdict(boxes),
        "text": None if text is None else asdict(text),
    }
    facts: dict[str, Any] = json.loads(json.dumps(told, default=float))
    service.keep(place, Entry(data=png, facts=facts))
    return Measured(key=key, row=result.row, png=png, boxes=boxes, text=text)


def _worded(service: CodecService, key: str, codec: ComparedCodec, row: Row) -> Row:
    error, name = without_paths(row.error or "", service.weights_dir), texts.CODECS[key]
    if isinstance(codec, AbsentCodec):
        LOGGER.info("%s is absent: %s", key, row.error)
        return replace(row, name=name, error=texts.ABSENT.format(name=name, reason=error))
    LOGGER.warning("%s failed: %s", key, row.error)
    return replace(row, error=error)


def run(service: CodecService, keys: Sequence[str], asked: ComparisonInput) -> Iterator[Measured]:
    """Yield every codec's file, the absent codecs last, each with the reason."""
    for key, codec in codecs_of(service, keys, asked).items():
        yield measure_one(service, key, codec, asked)


def without_paths(reason: str, weights_dir: Path) -> str:
    """Return a sentence as visitors may read it: it names files, but no folder of the server.

    >>> without_paths("VVC is not in /srv/cache. Get it.", Path("/srv/cache"))
    'VVC is not in the cache of this server. Get it.'
    >>> without_paths("The weights /opt/app/elic.safetensors are missing.", Path("/srv/cache"))
    'The weights elic.safetensors are missing.'
    """
    return _PATH.sub("", reason.replace(str(weights_dir), texts.CACHE))


def _boxes_from(facts: Mapping[str, Any] | None) -> BoxAgreement | None:
    if facts is None:
        return None
    return BoxAgreement(
        matched=tuple((_box(one), _box(other)) for one, other in facts["matched"]),
        missed=tuple(map(_box, facts["missed"])),
        hallucinated=tuple(map(_box, facts["hallucinated"])),
    )


def _text_from(facts: Mapping[str, Any] | None) -> TextAgreement | None:
    if facts is None:
        return None
    lines = ("original", "decoded")
    return TextAgreement(
        places=tuple(
            TextPlace(**(place | {name: tuple(map(_box, place[name])) for name in lines}))
            for place in facts["places"]
        )
    )


def _box(fact: Mapping[str, Any]) -> Detection:
    left, top, right, bottom = fact["box_xyxy_px"]
    return Detection(**(dict(fact) | {"box_xyxy_px": (left, top, right, bottom)}))
