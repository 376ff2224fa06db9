"""Which program decodes which file: Pillow where it is good enough, else the library that is.

======================  ============================================================
decoder                 decodes
======================  ============================================================
Pillow                  JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP, PPM, JPEG 2000
pillow-heif (libheif)   HEIC of 8, 10 and 12 bits
pillow-jxl (libjxl)     JPEG XL
imagecodecs             JPEG of 12 bits; AVIF in PQ and HLG; JPEG XL animations
tifffile                TIFF files of the kinds that Pillow does not read
======================  ============================================================

Pillow is only ever told to try the one format that the header is of. The libraries are imported
where they are used, so that a caller who reads a JPEG waits for none of them.
"""

import importlib
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from difficmh_core.image_reading.header import Coding, Header, UnreadKindError
from difficmh_core.image_reading.levels import image_of, to_levels
from difficmh_core.image_reading.light import HDR_NOTES, to_srgb_light
from difficmh_core.image_reading.sniffing import Format

_JXL_THREADS = 1
"""libjxl would start one thread for each core."""
_LIBRARIES = (
    *("imagecodecs", "pillow_heif", "pillow_jxl", "tifffile", "PIL.ImageCms"),
    "difficmh_core.image_reading.tiff_decoding",
)
_IMAGECODECS = (
    *("avif_decode", "jpeg8_decode", "jpegxl_decode", "tiff_decode"),
    # What tifffile calls for the compressions and predictors that are read through it.
    *("deflate_decode", "zlib_decode", "lerc_decode", "lzma_decode", "zstd_decode", "webp_decode"),
    *("jpeg_decode", "delta_decode", "floatpred_decode", "packints_decode", "bitorder_decode"),
)
"""Each lies in an extension module of its own, which is imported at its first use."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder returns.

    Attributes:
        image: The picture in any of Pillow's modes, with its ``info``.
        notes: What a viewer should know of it.
        is_srgb: Whether its colors are sRGB already, whatever the header says.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()
    is_srgb: bool = False


def decode(format: Format, header: Header) -> Decoded:
    """Decode a file whose header has been checked.

    Raises:
        Exception: Whatever the decoder raises on a damaged file.
    """
    return _DECODERS[format](header)


def import_decoders() -> None:
    """Import every decoder, so that the first picture does not wait for it."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    for name in _IMAGECODECS:
        getattr(sys.modules["imagecodecs"], name)
    Image.init()


def _by_pillow(pillow_format: str, header: Header) -> Decoded:
    image = Image.open(io.BytesIO(header.data), formats=[pillow_format])
    if image.width * image.height > header.size[0] * header.size[1]:
        raise ValueError("its header names two sizes")
    image.load()
    return Decoded(image)


def _decode_jpeg(header: Header) -> Decoded:
    if "8 bits" in header.traits:
        return _by_pillow("JPEG", header)
    import imagecodecs

    values = imagecodecs.jpeg8_decode(header.data)
    return Decoded(image_of(to_levels(values, (1 << 12) - 1)))


def _decode_avif(header: Header) -> Decoded:
    coding = header.coding
    if coding is None or coding.transfer not in HDR_NOTES:
        return _by_pillow("AVIF", header)
    import imagecodecs

    # The 8 bits that Pillow returns are too few for a signal that reaches far beyond white.
    values = imagecodecs.avif_decode(header.data, index=0)
    n_bits = next(bits for bits in (8, 10, 12) if f"{bits} bits" in header.traits)
    return _from_light(values, n_bits, coding)


def _decode_heic(header: Header) -> Decoded:
    import pillow_heif

    coding = header.coding
    if coding is not None and coding.transfer in HDR_NOTES:
        opened = pillow_heif.open_heif(header.data, convert_hdr_to_8bit=False, hdr_to_16bit=True)
        values = np.asarray(opened)
        return _from_light(values, 8 * values.itemsize, coding)
    return Decoded(pillow_heif.open_heif(header.data, convert_hdr_to_8bit=True).to_pillow())


def _from_light(values: NDArray[np.unsignedinteger[Any]], n_bits: int, coding: Coding) -> Decoded:
    """Return values of a high dynamic range, with or without alpha, as sRGB."""
    if values.ndim != 3 or values.shape[2] < 3:
        raise UnreadKindError("gray of a high dynamic range; save it as RGB")
    image = to_srgb_light(values[..., :3], n_bits, coding)
    if values.shape[2] == 4:
        image.putalpha(image_of(to_levels(values[..., 3], (1 << n_bits) - 1)))
    return Decoded(image, (HDR_NOTES[coding.transfer],), is_srgb=True)


def _decode_jxl(header: Header) -> Decoded:
    if "animated" in header.traits:
        import imagecodecs

        # The plug-in returns the last frame.
        values = imagecodecs.jpegxl_decode(header.data, index=0)
        notes = ("The first frame of an animation is used.",)
        return Decoded(image_of(to_levels(values)), notes)
    import pillow_jxl

    _, info, pixels, profile, _ = pillow_jxl.Decoder(num_threads=_JXL_THREADS)(header.data)
    image = Image.frombytes(info.mode, (info.width, info.height), bytes(pixels))
    if profile:
        image.info["icc_profile"] = bytes(profile)
    return Decoded(image)


def _decode_tiff(header: Header) -> Decoded:
    if "Pillow" in header.traits:
        return _by_pillow("TIFF", header)
    from difficmh_core.image_reading.tiff_decoding import decode_by_tifffile

    return Decoded(*decode_by_tifffile(header.data))


_DECODERS: Mapping[Format, Callable[[Header], Decoded]] = {
    Format.JPEG: _decode_jpeg,
    Format.PNG: partial(_by_pillow, "PNG"),
    Format.WEBP: partial(_by_pillow, "WEBP"),
    Format.AVIF: _decode_avif,
    Format.HEIC: _decode_heic,
    Format.JPEG_XL: _decode_jxl,
    Format.GIF: partial(_by_pillow, "GIF"),
    Format.TIFF: _decode_tiff,
    Format.BMP: partial(_by_pillow, "BMP"),
    Format.PPM: partial(_by_pillow, "PPM"),
    Format.JPEG_2000: partial(_by_pillow, "JPEG2000"),
}
