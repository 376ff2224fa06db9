"""A picture in any format becomes a PNG that holds pixels and nothing else."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from difficmh_core.errors import ImageError
from difficmh_core.image_reading import read_picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESSION = 1
"""Of 0 to 9. Level 6 takes four times as long for files a tenth smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PngPicture:
    """A picture as it was read.

    Attributes:
        png: 8-bit RGB, sRGB, upright, without metadata.
        size_px: Height and width [px].
        format_name: Of the file that it was read from, as people call it.
        notes: What a reader of the file should know, each a sentence.
    """

    png: bytes
    size_px: tuple[int, int]
    format_name: str
    notes: tuple[str, ...] = ()


def read_as_png(data: bytes, *, name: str, max_pixels: int) -> PngPicture:
    """Return the picture in a file as a PNG.

    Raises:
        ImageError: If it is damaged, no picture, or too large.
    """
    file = io.BytesIO(data)
    file.name = name
    picture = read_picture(file, max_pixels=max_pixels)
    buffer = io.BytesIO()
    picture.image.save(buffer, format="PNG", compress_level=_COMPRESSION)
    return PngPicture(
        png=buffer.getvalue(),
        size_px=(picture.image.height, picture.image.width),
        format_name=picture.format_name,
        notes=picture.notes,
    )


def check_plain_png(png: bytes, size_px: tuple[int, int], max_pixels: int) -> None:
    """Refuse anything but a PNG as :func:`read_as_png` writes it.

    A worker that a picture took over could answer with another crafted picture; what this lets
    through has a header, pixels and an end (PNG, third edition, section 5.6).

    Args:
        png: What came.
        size_px: The height and width that were told [px].
        max_pixels: Most pixels to accept.

    Raises:
        ImageError: If it is anything else.
    """
    height, width = size_px
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    kinds = []
    for kind, start, length in _chunks(png):
        kinds.append(kind)
        if kind == b"IHDR" and png[start : start + length] != header:
            break
    is_plain = kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"] and len(kinds) > 2
    if not is_plain or set(kinds[1:-1]) != {b"IDAT"} or width * height > max_pixels:
        raise ImageError("The image could not be read: what came back is damaged. Try another.")


def _chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, start and length of each chunk; ends early where they do not fit."""
    place = len(_SIGNATURE)
    if png[:place] != _SIGNATURE:
        return
    while place + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if place + 12 + length > len(png):
            return
        yield kind, place + 8, length
        place += 12 + length
        if kind == b"IEND" and place != len(png):
            yield b"", place, 0
            return
