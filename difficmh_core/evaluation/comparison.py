"""One picture, coded by every codec within the same bytes, and measured the same way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

from PIL import Image

from difficmh_core.errors import DiffICMHError
from difficmh_core.evaluation.codecs import Contender
from difficmh_core.evaluation.evaluator import Judge, Seen
from difficmh_core.vision.boxes import BoxAgreement

__all__ = ["Outcome", "Row", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture by one codec within so many bytes.

    Attributes:
        picture: Name of the picture.
        codec: Key of the codec.
        name: The codec as people name it.
        version: Of its encoder.
        target_bytes: What the file might hold.
        target_bpp: The same per pixel of the original [bit].
        n_bytes: What the file holds; 0 if there is none.
        bpp: The same per pixel of the original [bit].
        fits: Whether it holds no more than it might.
        setting: The codec's quality number.
        encode_s: Time to encode at that setting [s].
        decode_s: Time to decode [s].
        values: Every measure, by its key.
        error: Why there is no picture, if there is none.
    """

    picture: str
    codec: str
    name: str
    version: str
    target_bytes: int
    target_bpp: float
    n_bytes: int = 0
    bpp: float = 0.0
    fits: bool = False
    setting: float = 0.0
    encode_s: float = 0.0
    decode_s: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON takes it."""
        return asdict(self) | {"values": dict(self.values)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """A row with what it was measured on.

    Attributes:
        row: The numbers.
        picture: The decoded picture; ``None`` if there is none.
        seen: What machines see in it; ``None`` if there is none.
        boxes: Its boxes against the original's, where a detector is at hand.
    """

    row: Row
    picture: Image.Image | None = None
    seen: Seen | None = None
    boxes: BoxAgreement | None = None


def compare(
    name: str,
    image: Image.Image,
    targets_bytes: Sequence[int],
    contenders: Sequence[Contender],
    judge: Judge,
    *,
    original: Seen | None = None,
) -> Iterator[Outcome]:
    """Yield one outcome for each number of bytes and codec.

    A codec that cannot take the picture gives a row that says why; the others go on.

    Args:
        name: Name of the picture, for the rows.
        image: RGB picture.
        targets_bytes: What the files may hold [bytes].
        contenders: The codecs.
        judge: Takes the measures.
        original: What the judge sees in the picture, if it has looked at it before.
    """
    original = judge.look_at(image) if original is None else original
    n_pixels = image.width * image.height
    for target in targets_bytes:
        for contender in contenders:
            shared: dict[str, Any] = {
                "picture": name,
                "codec": contender.key,
                "name": contender.name,
                "version": contender.version,
                "target_bytes": target,
                "target_bpp": 8 * target / n_pixels,
            }
            try:
                coded = contender.code(image, target)
                began = perf_counter()
                picture = contender.decode(coded.data)
                decode_s = perf_counter() - began
                seen = judge.look_at(picture)
                values = judge.measure(original, seen)
            except DiffICMHError as error:
                yield Outcome(row=Row(**shared, error=str(error)))
                continue
            row = Row(
                **shared,
                n_bytes=len(coded.data),
                bpp=8 * len(coded.data) / n_pixels,
                fits=coded.fits,
                setting=coded.setting,
                encode_s=round(coded.seconds, 4),
                decode_s=round(decode_s, 4),
                values=values,
            )
            boxes = judge.boxes(original, seen)
            yield Outcome(row=row, picture=picture, seen=seen, boxes=boxes)
