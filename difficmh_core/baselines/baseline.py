"""What every codec beside ours can do, and the search for the best file of so many bytes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image

from difficmh_core.errors import ImageError

__all__ = ["Baseline", "CodedPicture", "FilesOfPicture", "best_within"]


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

    def open(self, image: Image.Image) -> Callable[[int], bytes]:
        """Return what codes a picture at a quality, what is the same at every one already done.

        Arguments and errors as :meth:`encode`.
        """
        self.check(image)
        return partial(self.encode, image)

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


class FilesOfPicture:
    """The files that a codec made of its last picture, each made once.

    A search for another size goes on from what earlier ones tried.
    """

    def __init__(self, open_picture: Callable[[Image.Image], Callable[[int], bytes]]) -> None:
        """Keep how to begin with a picture.

        Args:
            open_picture: Returns what codes a picture at a setting, and does what is the same at
                every setting.
        """
        self._open = open_picture
        self._image: Image.Image | None = None
        self._encode: Callable[[int], bytes] = lambda _: b""
        self._opening_s = 0.0
        self._files = dict[int, tuple[bytes, float]]()

    def best_within(
        self, image: Image.Image, settings: Sequence[int], n_bytes: int
    ) -> CodedPicture:
        """Return the largest file that fits, or the smallest there is, marked as not fitting.

        Bisects the settings, whose files grow with them; of those tried, the best that fits is
        taken, so that a file never exceeds the limit where sizes waver.

        Args:
            image: RGB picture.
            settings: Of the codec, from the smallest file to the largest.
            n_bytes: What the file may hold.

        Raises:
            ImageError: If the format cannot hold the picture.
            ProgramError: If the encoder fails or takes too long.
        """
        if image is not self._image:
            self._image = None  # of a picture that cannot be opened, no other's files are kept
            self._files.clear()
            began = time.perf_counter()
            self._encode = self._open(image)
            self._opening_s = time.perf_counter() - began
            self._image = image
        best = self._coded(settings[0], n_bytes)
        low, high = 0, len(settings) - 1
        while best.fits and low < high:
            middle = (low + high + 1) // 2
            coded = self._coded(settings[middle], n_bytes)
            if coded.fits:
                low, best = middle, coded
            else:
                high = middle - 1
        return best

    def _coded(self, setting: int, n_bytes: int) -> CodedPicture:
        if setting not in self._files:
            began = time.perf_counter()
            data = self._encode(setting)
            self._files[setting] = data, self._opening_s + time.perf_counter() - began
        data, seconds = self._files[setting]
        return CodedPicture(data=data, setting=setting, fits=len(data) <= n_bytes, seconds=seconds)


def best_within(baseline: Baseline, image: Image.Image, n_bytes: int) -> CodedPicture:
    """Return a codec's best file of so many bytes; as :meth:`FilesOfPicture.best_within`."""
    return FilesOfPicture(baseline.open).best_within(image, baseline.qualities, n_bytes)
