"""What a visitor has decoded, so that a result can be compared with an earlier one.

Of each result only numbers and a small picture are kept here; the decoded picture itself lies
among the visitor's files and goes with them.
"""

import base64
import io
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui.runtime.measures import Measures
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.boxes import BoxAgreement

MOST_RESULTS = 8
"""Results that are kept for a visitor; the oldest goes first."""
THUMBNAIL_PX = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """A file and its decoded picture.

    Attributes:
        number: Tells it from the visitor's other results.
        photo: What it was made of.
        size_px: Height and width of the picture.
        picture: Where it lies.
        thumbnail: The same, small, as a ``data:`` address.
        n_bytes: Size of the file [bytes].
        bpp: The same per pixel [bit].
        settings: How it was decoded.
        steps: Of decoding.
        seconds: That decoding took [s].
        was_kept: Whether it had been decoded before.
        measures: How close it is to the photo; ``None`` until that is known.
        boxes: What a detector finds in it and in the photo; ``None`` where that is not known.
    """

    number: int = 0
    photo: Photo
    size_px: tuple[int, int]
    picture: str
    thumbnail: str
    n_bytes: int
    bpp: float
    settings: DecodeSettings
    steps: int
    seconds: float
    was_kept: bool
    measures: Measures
    is_measured: bool = False
    boxes: BoxAgreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """The results of one visit, the newest last."""

    results: tuple[Result, ...] = ()
    n_seen: int = field(default=0)

    @property
    def last(self) -> Result | None:
        """The newest result."""
        return self.results[-1] if self.results else None

    @property
    def earlier(self) -> tuple[Result, ...]:
        """The results before it of the same photo whose pictures are still there, newest first."""
        last = self.last
        if last is None:
            return ()
        return tuple(
            result
            for result in reversed(self.results[:-1])
            if result.photo.digest == last.photo.digest and Path(result.picture).is_file()
        )

    def with_new(self, result: Result) -> "History":
        """Add a result; one with the same picture takes its place."""
        number = self.n_seen + 1
        others = (
            other
            for other in self.results
            if (other.picture, other.n_bytes) != (result.picture, result.n_bytes)
        )
        results = (*others, replace(result, number=number))[-MOST_RESULTS:]
        return History(results=results, n_seen=number)

    def with_known(self, result: Result) -> "History":
        """Replace a result by what is known of it now."""
        results = tuple(
            result if other.number == result.number else other for other in self.results
        )
        return replace(self, results=results)

    def find(self, number: int | None) -> Result | None:
        """Find an earlier result by its number."""
        return next((result for result in self.earlier if result.number == number), None)


def thumbnail_of(image: Image.Image) -> str:
    """Write a small picture as a ``data:`` address."""
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=70)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
