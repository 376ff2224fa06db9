"""What every codec beside ours can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial

from PIL import Image

from difficmh_core.errors import ImageError
from difficmh_core.rate_control import CodedPicture, RateSearch


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
                f"{self.name} takes images of at most {self.max_side_px} px a side, this one "
                f"has {image.width} x {image.height}. Shrink it, or leave this codec out."
            )

    def open(self, image: Image.Image) -> Callable[[int], bytes]:
        """Do what is the same at every quality; what this returns codes the picture at one.

        Arguments and errors as :meth:`encode`.
        """
        self.check(image)
        return partial(self.encode, image)

    def code(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Find the best file of so many bytes; as :meth:`RateSearch.best_within`."""
        return self._search.best_within(image, n_bytes)

    @cached_property
    def _search(self) -> RateSearch:
        # Quality numbers lie far apart, so files grow with them; for VVC, trying more is slow.
        return RateSearch(self.open, self.qualities, look_ahead=0)

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
