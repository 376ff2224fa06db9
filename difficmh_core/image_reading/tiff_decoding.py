"""TIFF files of the kinds that Pillow does not read, or reads wrongly, by tifffile or libtiff.

These are floating point numbers, 12-bit and 32-bit integers, 16 bits in separate planes, gray of
which 0 is white, and compression by LERC or WebP.
"""

import io

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from difficmh_core.image_reading.header import UnreadKindError
from difficmh_core.image_reading.levels import image_of, to_levels

RANGE_NOTE = "The file holds floating point numbers: 0 to 1 is shown, what lies beyond is clipped."
_BY_LIBTIFF = {5, 32773}
"""LZW and PackBits. imagecodecs' LZW decoder, which tifffile would call, ends the process on some
damaged files."""
_BY_TIFFFILE = {1, 7, 8, 32946, 34887, 34925, 50000, 50001}
"""None, JPEG, Deflate, LERC, LZMA, Zstandard, WebP. JPEG 2000 and JPEG XL in TIFF are left out, as
their own headers would have to be checked."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED, _YCBCR = 0, 1, 2, 5, 6
_BASE_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _SEPARATED: 4, _YCBCR: 3}
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}


def decode_by_tifffile(data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the first page with 8 bits per channel, and what is to be noted of it.

    Raises:
        UnreadKindError: If its numbers or colors are of another kind than those named above.
    """
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        photometric, n_bits = int(page.photometric), int(page.bitspersample)
        compression = int(page.compression)
        if compression in _BY_LIBTIFF:
            values = _decode_by_libtiff(data, n_bits, page.shape)
        elif compression not in _BY_TIFFFILE:
            raise UnreadKindError(f"compression {compression}; save it with Deflate")
        else:
            values = np.asarray(page.asarray(maxworkers=1))
        axes, alphas = page.axes, [int(kind) for kind in page.extrasamples]
    if axes == "SYX":
        values = values.transpose(1, 2, 0)
    elif axes not in ("YX", "YXS"):
        raise UnreadKindError(f"samples arranged as {axes}; save it as RGB")
    if values.dtype.kind not in "uf":
        raise UnreadKindError("signed integers; save it with 8 or 16 bits per channel")
    if photometric not in _BASE_CHANNELS:
        raise UnreadKindError("colors of a rare kind; save it as RGB")
    levels = to_levels(values, (1 << n_bits) - 1 if values.dtype.kind == "u" else None)
    image = _compose(levels.reshape(*levels.shape[:2], -1), photometric, alphas)
    return image, ((RANGE_NOTE,) if values.dtype.kind == "f" else ())


def _decode_by_libtiff(data: bytes, n_bits: int, shape: tuple[int, ...]) -> NDArray[np.generic]:
    import imagecodecs

    if n_bits not in (8, 16, 32, 64):
        raise UnreadKindError(f"{n_bits} bits and LZW; save it with 8 or 16 bits per channel")
    values = np.asarray(imagecodecs.tiff_decode(data, index=0))
    if values.shape != shape:
        raise UnreadKindError("samples in a rare arrangement; save it as RGB")
    return values


def _compose(levels: NDArray[np.uint8], photometric: int, alphas: list[int]) -> Image.Image:
    n_base = _BASE_CHANNELS[photometric]
    base = levels[..., :n_base]
    if photometric == _WHITE_IS_ZERO:
        base = np.invert(base)
    image = image_of(base, _MODES[n_base])
    has_alpha = levels.shape[2] > n_base and alphas[:1] in ([1], [2])
    if has_alpha and n_base < 4:
        image = image.convert("RGB")
        image.putalpha(image_of(levels[..., n_base]))
    return image
