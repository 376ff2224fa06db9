"""A picture from a file, safe and complete.

A file passes four stages: its kind is told by its first bytes (``sniffing``), its header is read
in a linear walk and checked against a table of caps (``*_header``, ``caps``), a library decodes
what makes the pixels (``decoding``), and the colors become sRGB (``colors``).

Everything that comes in leaves as 8-bit RGB in sRGB, upright, without metadata:

==========================  ======================================================================
found                       taken as
==========================  ======================================================================
EXIF, XMP or HEIF turn      applied; other metadata is dropped, unreadable metadata ignored
ICC profile                 converted to sRGB (relative colorimetric); a profile that names itself
                            sRGB leaves the values as they are, one that does not fit too
code points (cICP, nclx)    wide primaries are converted; PQ and HLG are clipped at white
palette, gray, CMYK, Lab    converted to RGB
transparency                laid on white
10, 12, 16, 32 bits         scaled and rounded to 8; 48-bit PNG and TIFF keep their upper 8 bits
floating point              0 to 1 is shown
gain map                    left out
several frames or pages     the first
==========================  ======================================================================

What a viewer should know of that is a note.
"""

import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from PIL import Image

from difficmh_core.errors import ImageError
from difficmh_core.image_reading.caps import check, limit_of
from difficmh_core.image_reading.colors import to_srgb
from difficmh_core.image_reading.decoding import decode
from difficmh_core.image_reading.gif_header import read_gif_header
from difficmh_core.image_reading.header import Header, UnreadKindError
from difficmh_core.image_reading.heif_header import read_heif_header
from difficmh_core.image_reading.jpeg2000_header import read_jpeg2000_header
from difficmh_core.image_reading.jpeg_header import read_jpeg_header
from difficmh_core.image_reading.jxl_header import read_jxl_header
from difficmh_core.image_reading.plain_headers import read_bmp_header, read_ppm_header
from difficmh_core.image_reading.png_header import read_png_header
from difficmh_core.image_reading.sniffing import SNIFFED_BYTES, Format, format_of
from difficmh_core.image_reading.tiff_header import read_tiff_header
from difficmh_core.image_reading.webp_header import read_webp_header

MAX_PIXELS = 64_000_000
"""Most pixels of a picture unless the caller says otherwise."""
MAX_SIDE_PX = 65_535
"""Longest side that the file format takes [px]."""
_PIECE_BYTES = 1 << 24
_HEADERS: Mapping[Format, Callable[[bytes], Header]] = {
    Format.JPEG: read_jpeg_header,
    Format.PNG: read_png_header,
    Format.WEBP: read_webp_header,
    Format.AVIF: read_heif_header,
    # libheif turns what it decodes.
    Format.HEIC: lambda data: replace(read_heif_header(data), orientation=1),
    Format.JPEG_XL: read_jxl_header,
    Format.GIF: read_gif_header,
    Format.TIFF: read_tiff_header,
    Format.BMP: read_bmp_header,
    Format.PPM: read_ppm_header,
    Format.JPEG_2000: read_jpeg2000_header,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""From the EXIF orientation to what sets the picture upright."""
_WARNING_FILTERS = threading.Lock()
"""Python's list of warning filters belongs to the whole process."""


@runtime_checkable
class OpenFile(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file shows.

    Attributes:
        image: Upright, of mode ``RGB``, in sRGB, without metadata.
        format_name: The format by the name that people know: ``JPEG``, ``HEIC``.
        notes: What was left out or taken for granted, each in a sentence.
    """

    image: Image.Image
    format_name: str
    notes: tuple[str, ...] = ()


def read_picture(
    source: str | os.PathLike[str] | bytes | OpenFile, *, max_pixels: int = MAX_PIXELS
) -> Picture:
    """Return the picture in a file.

    Args:
        source: Path of the file, its bytes, or a file that is open for reading bytes.
        max_pixels: Most pixels to accept. Pillow's own limit, about 179 million, stays in force.

    Raises:
        ImageError: If the file is absent, empty, damaged, of a kind that is not read, too large,
            or holds more of something than any photograph.
    """
    if isinstance(source, bytes):
        return _read(source[:SNIFFED_BYTES], lambda most: source[:most], "The data", max_pixels)
    try:
        if not isinstance(source, str | os.PathLike):
            known = getattr(source, "name", None)
            name = f"The file {Path(known).name!r}" if isinstance(known, str) else "The file"
            return _read_open(source, name, max_pixels)
        with Path(source).open("rb") as file:
            return _read_open(file, f"The file {Path(source).name!r}", max_pixels)
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a closed file, or a zero in a path
        what = f"{os.fspath(source)!r} " if isinstance(source, str | os.PathLike) else ""
        raise ImageError(
            f"The image {what}cannot be read: {getattr(error, 'strerror', None) or error}. "
            "Give the path of an image file."
        ) from error


def _read_open(file: OpenFile, name: str, max_pixels: int) -> Picture:
    start = file.read(SNIFFED_BYTES)
    return _read(start, lambda most: _whole(file, start, most), name, max_pixels)


def _whole(file: OpenFile, start: bytes, most: int) -> bytes:
    """Read on, piece by piece: a reader asked for all at once sets that much memory aside."""
    pieces, n_bytes = [start], len(start)
    while n_bytes < most and (piece := file.read(min(_PIECE_BYTES, most - n_bytes))):
        pieces.append(piece)
        n_bytes += len(piece)
    return b"".join(pieces)


def _read(start: bytes, read: Callable[[int], bytes], name: str, max_pixels: int) -> Picture:
    """Decode a file whose start is known; ``read`` returns as many bytes as it is asked for."""
    format = format_of(start, name)
    cap_name = f"bytes of {format}"
    try:
        data = read(limit_of(cap_name) + 1)
    except MemoryError as error:
        raise _too_little_memory(name, format) from error
    check(cap_name, len(data))
    # Libraries warn of odd sizes and metadata; what matters of that is an error of ours.
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _decode(format, data, max_pixels)
        except ImageError:
            raise
        except UnreadKindError as error:
            raise ImageError(
                f"{name} is a {format} image of a kind that is not read here: {_reason(error)}."
            ) from error
        except Image.DecompressionBombError as error:
            raise ImageError(
                f"The image declares far more than the {max_pixels:,} pixels accepted here. "
                "Scale it down first."
            ) from error
        except MemoryError as error:
            raise _too_little_memory(name, format) from error
        except (KeyboardInterrupt, SystemExit, GeneratorExit):  # not a decoder's
            raise
        # The one boundary to other people's decoders. On damaged files they raise nearly every
        # class there is, AssertionError and struct.error among them, and promise no fewer; a
        # panic of one written in Rust is not even an Exception.
        except BaseException as error:
            raise ImageError(
                f"{name} is a damaged {format} image ({_reason(error)}). Copy or export it again."
            ) from error


def _decode(format: Format, data: bytes, max_pixels: int) -> Picture:
    header = _HEADERS[format](data)
    _check_size(header.size, max_pixels)
    decoded = decode(format, header)
    if decoded.image.width * decoded.image.height > header.size[0] * header.size[1]:
        raise ValueError("its pixels are more than its header says")
    profile, coding = header.profile or decoded.image.info.get("icc_profile"), header.coding
    if decoded.is_srgb:
        profile = coding = None
    image, color_notes = to_srgb(decoded.image, profile, coding)
    notes = decoded.notes
    turn = _TURNS.get(header.orientation)
    if turn is not None:
        image = image.transpose(turn)
    elif image is decoded.image:
        image = image.copy()
    image.info.clear()
    if header.n_frames > 1:
        notes = (f"The first of {header.n_frames:,} {header.part}s is used.", *notes)
    return Picture(image, str(format), (*notes, *color_notes))


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"The image has no pixels ({width} x {height}). Choose another one.")
    if width * height > max_pixels:
        raise ImageError(
            f"The image has {width:,} x {height:,} = {width * height:,} pixels; "
            f"at most {max_pixels:,} are accepted. Scale it down first."
        )
    if max(width, height) > MAX_SIDE_PX:
        raise ImageError(
            f"The image has {width:,} x {height:,} pixels; "
            f"a side of at most {MAX_SIDE_PX:,} fits into a file. Scale it down first."
        )


def _too_little_memory(name: str, format: Format) -> ImageError:
    return ImageError(
        f"{name} is a {format} image that needs more memory than there is. Scale it down first."
    )


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text or type(error).__name__
