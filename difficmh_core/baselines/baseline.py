"""What every codec beside ours can do, and the search for the best file of so many bytes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from difficmh_core.errors import ImageError

__all__ = ["Baseline", "CodedPicture", "best_within"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodedPicture:
    """One picture, coded by one codec.

    Attributes:
        data: The whole file.
        setting: The codec's own quality number, as its command line takes it.
        fits: Whether the file is within the bytes that were asked for; otherwise it is the
            smallest that the codec makes.
        seconds: Time to encode at this setting, the search left out [s].
    """

    data: bytes
    setting: float
    fits: bool
    seconds: float


class Baseline(ABC):
    """A codec with one quality number.

    Attributes:
        key: How command lines and tables name it: ``avif``.
        name: How people name it, the real encoder and preset included.
        version: Of the encoder.
        qualities: Every quality number, from the smallest file to the largest.
        max_side_px: Longest side that the format allows [px].
    """

    key: str
    name: str
    version: str
    qualities: Sequence[int]
    max_side_px: int

    def check(self, image: Image.Image) -> None:
        """Refuse a picture that the format cannot hold.

        Raises:
            ImageError: If a side is too long.
        """
        if max(image.size) > self.max_side_px:
            raise ImageError(
                f"{self.name} takes pictures of at most {self.max_side_px} px a side, this one "
                f"has {image.width} x {image.height}. Shrink it, or leave this codec out."
            )

    @abstractmethod
    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file of an RGB picture.

        Args:
            image: RGB picture.
            quality: One of ``qualities``.

        Raises:
            ImageError: If the format cannot hold the picture.
            ProgramError: If the encoder fails or takes too long.
        """

    @abstractmethod
    def decode(self, data: bytes) -> Image.Image:
        """Return the RGB picture of a file that :meth:`encode` made.

        Raises:
            ProgramError: If the decoder fails or takes too long.
        """


def best_within(baseline: Baseline, image: Image.Image, n_bytes: int) -> CodedPicture:
    """Return the largest file that fits, or the smallest there is, marked as not fitting.

    Bisects the codec's quality numbers, whose files grow with them; of those tried, the best that
    fits is taken, so that a file never exceeds the limit where sizes waver.

    Args:
        baseline: The codec.
        image: RGB picture.
        n_bytes: What the file may hold.

    Raises:
        ImageError: If the format cannot hold the picture.
        ProgramError: If the encoder fails or takes too long.
    """
    baseline.check(image)
    return largest_that_fits(
        lambda quality: baseline.encode(image, quality), baseline.qualities, n_bytes
    )


def largest_that_fits(
    encode: Callable[[int], bytes], qualities: Sequence[int], n_bytes: int
) -> CodedPicture:
    """Return the largest of the files tried that fits; :func:`best_within` without the checks."""
    best = _coded(encode, qualities[0], n_bytes)
    low, high = 0, len(qualities) - 1
    while best.fits and low < high:
        middle = (low + high + 1) // 2
        coded = _coded(encode, qualities[middle], n_bytes)
        if coded.fits:
            low, best = middle, coded
        else:
            high = middle - 1
    return best


def _coded(encode: Callable[[int], bytes], quality: int, n_bytes: int) -> CodedPicture:
    began = time.perf_counter()
    data = encode(quality)
    seconds = time.perf_counter() - began
    return CodedPicture(data=data, setting=quality, fits=len(data) <= n_bytes, seconds=seconds)
