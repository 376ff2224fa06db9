"""Rate control: the best file of a picture within so many bytes.

Every codec has levels in order, from the smallest file to the largest: our quality levels, the
quality numbers of JPEG, the quantization parameters of VVC. The same search finds the best of them
for ``encode --target-bytes``, for latent optimization, for other codecs and for comparisons.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from PIL import Image

LOOK_AHEAD = 3
"""Levels tried beyond the first too large file: sizes waver where levels lie close together."""


@runtime_checkable
class HasData(Protocol):
    """A coded picture; its size is what counts here."""

    @property
    def data(self) -> bytes:
        """The whole file."""


CodedT = TypeVar("CodedT", bound=HasData)


def best_within(
    at_level: Callable[[int], CodedT],
    levels: Sequence[int],
    n_bytes: int,
    *,
    look_ahead: int = LOOK_AHEAD,
) -> CodedT:
    """Find the highest level whose file has at most ``n_bytes``, by bisection.

    Args:
        at_level: Codes the picture at a level.
        levels: Those to choose among, from the smallest file to the largest.
        n_bytes: Largest file [bytes].
        look_ahead: How many levels beyond the first too large file are tried, too.

    Returns:
        What ``at_level`` made of the best level that was tried and fits; if the first level's file
        is too large, that file.
    """
    best = at_level(levels[0])
    if len(best.data) > n_bytes:
        return best
    low, high = 0, len(levels)  # the file at low fits, that at high does not
    while high - low > 1:
        middle = (low + high) // 2
        coded = at_level(levels[middle])
        if len(coded.data) <= n_bytes:
            low, best = middle, coded
        else:
            high = middle
    for level in levels[high + 1 : high + 1 + look_ahead]:
        coded = at_level(level)
        if len(coded.data) <= n_bytes:
            best = coded
    return best


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodedPicture:
    """One picture, coded by one codec.

    Attributes:
        data: The whole file.
        setting: The level, as the codec's command line takes it.
        fits: Whether the file is within the bytes that were asked for; otherwise it is the
            smallest that the codec makes.
        seconds: Time to encode at this setting, the search left out [s].
    """

    data: bytes
    setting: float
    fits: bool
    seconds: float


class RateSearch:
    """Searches for files of several sizes; each file of the last picture is made once, and timed.

    A search for another size goes on from what earlier ones tried.
    """

    def __init__(
        self,
        open_picture: Callable[[Image.Image], Callable[[int], bytes]],
        levels: Sequence[int],
        *,
        look_ahead: int = LOOK_AHEAD,
    ) -> None:
        """Keep how to begin with a picture.

        Args:
            open_picture: Does what is the same at every level; what it returns codes the picture
                at a level.
            levels: As :func:`best_within` takes them.
            look_ahead: The same.
        """
        self._open = open_picture
        self._levels, self._look_ahead = levels, look_ahead
        self._image: Image.Image | None = None
        self._encode: Callable[[int], bytes] = lambda _: b""
        self._opening_s = 0.0
        self._files = dict[int, tuple[bytes, float]]()

    def best_within(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Find the best file that fits, or the smallest there is, marked as not fitting.

        Args:
            image: RGB picture.
            n_bytes: Largest file [bytes].

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
        coded = partial(self._coded, n_bytes)
        return best_within(coded, self._levels, n_bytes, look_ahead=self._look_ahead)

    def _coded(self, n_bytes: int, level: int) -> CodedPicture:
        if level not in self._files:
            began = time.perf_counter()
            data = self._encode(level)
            self._files[level] = data, self._opening_s + time.perf_counter() - began
        data, seconds = self._files[level]
        return CodedPicture(data=data, setting=level, fits=len(data) <= n_bytes, seconds=seconds)
