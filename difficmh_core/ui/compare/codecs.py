"""The codecs of the compare tab, and one picture by one of them: measured, kept, told."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.codecs import Contender, OurCodec, find_baselines
from difficmh_core.evaluation.comparison import Row, compare
from difficmh_core.tagging.detector import Detection
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.compare import texts
from difficmh_core.ui.runtime.cache import Entry, key_of
from difficmh_core.ui.runtime.service import CodecService, png_of
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.boxes import BoxAgreement

__all__ = [
    "OURS",
    "Measured",
    "Task",
    "absent_one",
    "contestants_of",
    "measure_one",
    "run",
    "without_paths",
]

LOGGER = logging.getLogger(__name__)
OURS = ("ours", "content", "no_tags")
"""What is decoded by the codec of the page."""
_PATH = re.compile(r"(?<![\w.:/])/(?:[^\s/:]+/)+(?=[^\s/:])")
"""The folders of an absolute path, but no part of an address or of a relative path."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
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
        key: Of the codec, among :data:`difficmh_core.ui.compare.texts.CONTESTANTS`.
        row: The numbers, or why there are none.
        png: The decoded picture; empty if there is none.
        boxes: Its boxes against the original's; ``None`` without a detector.
    """

    key: str
    row: Row
    png: bytes = b""
    boxes: BoxAgreement | None = None


def contestants_of(
    workshop: CodecService, keys: Sequence[str], task: Task
) -> tuple[list[tuple[str, Contender]], dict[str, str]]:
    """Return the chosen codecs in the order in which they run, and why the absent ones are.

    Raises:
        ConfigError: If none is chosen, or there is no such codec.
    """
    for key in keys:
        if key not in texts.CONTESTANTS:
            known = ", ".join(texts.CONTESTANTS)
            raise ConfigError(texts.NO_SUCH_CODEC.format(key=key, known=known))
    if not keys:
        raise ConfigError(texts.NO_CODEC)
    ordered = [key for key in texts.CONTESTANTS if key in keys]
    names = [key for key in ordered if key not in OURS]
    others, absent = find_baselines(names, workshop.weights_dir)
    for key, reason in absent.items():
        LOGGER.info("%s is absent: %s", key, reason)
    absent = {key: without_paths(reason, workshop.weights_dir) for key, reason in absent.items()}
    found: dict[str, Contender] = {other.key: other for other in others}
    search = workshop.codec.rate_search(tags=task.tags)
    content = replace(task.settings, realism=0.0)
    ours: Mapping[str, Callable[[], OurCodec]] = {
        "ours": lambda: OurCodec(workshop.codec, "ours", task.settings, search),
        "content": lambda: OurCodec(workshop.codec, "content", content, search),
        "no_tags": lambda: OurCodec(
            workshop.codec, "no_tags", task.settings, workshop.codec.rate_search(tags=())
        ),
    }
    found |= {key: ours[key]() for key in ordered if key in OURS}
    in_turn = sorted((key for key in ordered if key in found), key=lambda k: k == texts.SLOWEST)
    return [(key, found[key]) for key in in_turn], absent


def measure_one(workshop: CodecService, key: str, contender: Contender, task: Task) -> Measured:
    """Return one codec's file of so many bytes, decoded and measured; a kept one at once."""
    settings = (task.tags, task.settings) if key in OURS else ()
    place = key_of(
        "compare", workshop.model, task.photo.digest, task.target_bytes, key,
        contender.name, contender.version, settings,
    )  # fmt: skip
    kept = workshop.results.get(place)
    if kept is not None:
        return _from_entry(key, kept)
    (outcome,) = compare(
        task.photo.name,
        task.image,
        [task.target_bytes],
        [contender],
        workshop.evaluator,
        original=workshop.features(task.photo, task.image),
    )
    png = png_of(outcome.picture) if outcome.picture is not None else b""
    row = outcome.row
    if row.error is not None:
        LOGGER.warning("%s failed: %s", key, row.error)
        row = replace(row, error=without_paths(row.error, workshop.weights_dir))
    measured = Measured(key=key, row=row, png=png, boxes=outcome.boxes)
    if outcome.row.error is None:
        workshop.keep(place, _to_entry(measured))
    return measured


def run(workshop: CodecService, keys: Sequence[str], task: Task) -> Iterator[Measured]:
    """Yield every codec's file, the absent codecs last, each with the reason."""
    found, absent = contestants_of(workshop, keys, task)
    for key, contender in found:
        yield measure_one(workshop, key, contender, task)
    for key, reason in absent.items():
        yield absent_one(key, reason, task)


def absent_one(key: str, reason: str, task: Task) -> Measured:
    """Return the row of a codec that is not at hand."""
    row = Row(
        picture=task.photo.name,
        codec=key,
        name=texts.CONTESTANTS[key],
        version="",
        target_bytes=task.target_bytes,
        target_bpp=8 * task.target_bytes / (task.image.width * task.image.height),
        error=texts.ABSENT.format(name=texts.CONTESTANTS[key], reason=reason),
    )
    return Measured(key=key, row=row)


def without_paths(reason: str, weights_dir: Path) -> str:
    """Return a sentence as visitors may read it: it names files, but no folder of the server.

    >>> without_paths("VVC is not in /srv/cache. Get it.", Path("/srv/cache"))
    'VVC is not in the cache of this server. Get it.'
    >>> without_paths("The weights /opt/app/elic.safetensors are missing.", Path("/srv/cache"))
    'The weights elic.safetensors are missing.'
    """
    return _PATH.sub("", reason.replace(str(weights_dir), texts.CACHE))


def _to_entry(measured: Measured) -> Entry:
    boxes = None if measured.boxes is None else asdict(measured.boxes)
    facts: dict[str, Any] = json.loads(
        json.dumps({"row": measured.row.to_json(), "boxes": boxes}, default=float)
    )
    return Entry(data=measured.png, facts=facts)


def _from_entry(key: str, entry: Entry) -> Measured:
    boxes = entry.facts["boxes"]
    agreement = None
    if boxes is not None:
        agreement = BoxAgreement(
            matched=tuple((_box(one), _box(other)) for one, other in boxes["matched"]),
            missed=tuple(map(_box, boxes["missed"])),
            hallucinated=tuple(map(_box, boxes["hallucinated"])),
        )
    return Measured(key=key, row=Row(**entry.facts["row"]), png=entry.data, boxes=agreement)


def _box(fact: Mapping[str, Any]) -> Detection:
    left, top, right, bottom = fact["box_xyxy_px"]
    return Detection(**(dict(fact) | {"box_xyxy_px": (left, top, right, bottom)}))
