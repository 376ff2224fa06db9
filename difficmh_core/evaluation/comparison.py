"""One picture, coded by every codec within the same bytes, and measured the same way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any

from PIL import Image

from difficmh_core.errors import DiffICMHError
from difficmh_core.evaluation.codecs import ComparedCodec
from difficmh_core.evaluation.evaluator import Evaluator, Features
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.letters import TextAgreement


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
        values: Every metric, by its key.
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
class CodecResult:
    """A row with what it was measured on.

    Attributes:
        row: The numbers.
        picture: The decoded picture; ``None`` if there is none.
        features: What machines see in it; ``None`` if there is none.
        boxes: Its boxes against the original's, where a detector is at hand.
        text: Its text against the original's, where it is read.
    """

    row: Row
    picture: Image.Image | None = None
    features: Features | None = None
    boxes: BoxAgreement | None = None
    text: TextAgreement | None = None


@dataclass(frozen=True, eq=False)
class PhotoComparison:
    """One picture, on which codecs are compared.

    Attributes:
        name: Of the picture, for the rows.
        image: RGB picture.
        evaluator: Takes the metrics.
        features: Gives what the evaluator sees in the picture, where others know it too.
    """

    name: str
    image: Image.Image
    evaluator: Evaluator
    features: Callable[[], Features] | None = None

    @cached_property
    def original(self) -> Features:
        """The picture and what machines see in it."""
        return self.features() if self.features else self.evaluator.features(self.image)

    def measure(self, codec: ComparedCodec, target_bytes: int) -> CodecResult:
        """Code, decode and measure the picture.

        If the codec cannot take the picture, the row says why.

        Args:
            codec: The codec.
            target_bytes: What the file may hold.
        """
        n_pixels = self.image.width * self.image.height
        shared: dict[str, Any] = {
            "picture": self.name,
            "codec": codec.key,
            "name": codec.name,
            "version": codec.version,
            "target_bytes": target_bytes,
            "target_bpp": 8 * target_bytes / n_pixels,
        }
        try:
            coded = codec.code(self.image, target_bytes)
            began = perf_counter()
            picture = codec.decode(coded.data)
            decode_s = perf_counter() - began
            features = self.evaluator.features(picture)
            values = self.evaluator.measure(self.original, features)
        except DiffICMHError as error:
            return CodecResult(row=Row(**shared, error=str(error)))
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
        return CodecResult(
            row=row,
            picture=picture,
            features=features,
            boxes=self.evaluator.boxes(self.original, features),
            text=self.evaluator.text(self.original, features),
        )

    def results(
        self, codecs: Sequence[ComparedCodec], targets_bytes: Sequence[int]
    ) -> Iterator[CodecResult]:
        """Yield one result for each number of bytes and codec.

        A codec that cannot take the picture gives a row that says why; the others go on.

        Args:
            codecs: Absent ones too.
            targets_bytes: What the files may hold [bytes].
        """
        for target in targets_bytes:
            for codec in codecs:
                yield self.measure(codec, target)
