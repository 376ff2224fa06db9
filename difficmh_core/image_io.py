"""Pictures from files to tensors and back.

Everything that comes in leaves as 8-bit RGB in sRGB, upright, without metadata:

==========================  ======================================================================
found                       taken as
==========================  ======================================================================
EXIF or XMP orientation     applied; other metadata is dropped, unreadable metadata ignored
ICC profile                 converted to sRGB (relative colorimetric); a profile that names itself
                            sRGB, or does not fit the picture's mode, leaves the values as they are
palette, grey, CMYK         converted to RGB
transparency                laid on white
16-bit grey                 scaled and rounded to 8 bits
16-bit RGB, grey + alpha    the upper 8 bits, which is all that Pillow reads
several frames              the first
==========================  ======================================================================

The size that the file declares is checked before anything is decoded.
"""

import io
import logging
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageCms, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional

from difficmh_core.config import PIXELS_PER_BLOCK
from difficmh_core.errors import ImageError
from difficmh_core.files import write_whole
from difficmh_core.shapes import Image01

__all__ = ["crop", "pad_to_multiple", "read_image", "to_image", "to_tensor", "write_png"]

MAX_PIXELS = 64_000_000
"""Most pixels of a picture unless the caller says otherwise."""
MAX_SIDE_PX = 65_535
"""Longest side that the file format takes [px]."""
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What is read. Pillow knows more; some of those run other programs."""
_DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files; it promises no narrower class."""
_EXIF_ORIENTATION = 0x0112
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
_logger = logging.getLogger(__name__)


def read_image(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Return the picture in a file as upright 8-bit sRGB without metadata.

    Args:
        source: Path of the file, or its bytes.
        max_pixels: Most pixels to accept. Pillow's own limit, about 179 million, stays in force.

    Returns:
        A picture of mode ``RGB``; its size is that of the upright picture.

    Raises:
        ImageError: If the file is absent, empty, damaged, no picture, or too large.
    """
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), "The data", max_pixels)
    name = Path(source).name
    try:
        with Path(source).open("rb") as file:
            return _read(file, f"The file {name!r}", max_pixels)
    except OSError as error:
        raise ImageError(
            f"The picture {os.fspath(source)!r} cannot be read: {error.strerror or error}. "
            "Give the path of a picture file."
        ) from error


def _read(file: io.BytesIO | io.BufferedReader, name: str, max_pixels: int) -> Image.Image:
    # Pillow warns of odd sizes and metadata; what matters of that is an error of ours.
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read_quietly(file, name, max_pixels)


def _read_quietly(file: io.BytesIO | io.BufferedReader, name: str, max_pixels: int) -> Image.Image:
    if not file.read(1):
        raise ImageError(f"{name} is empty (0 bytes). Choose a picture file.")
    file.seek(0)
    image = _open(file, name, max_pixels)
    with image:
        _check_size(image.size, max_pixels)
        try:
            image.load()
            return _to_upright_srgb(image)
        except _DECODER_ERRORS as error:
            raise ImageError(
                f"{name} is a damaged {image.format} picture ({_reason(error)}). "
                "Copy or export it again."
            ) from error


def _open(file: io.BytesIO | io.BufferedReader, name: str, max_pixels: int) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"The picture declares far more than the {max_pixels:,} pixels accepted here. "
            "Scale it down first."
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a picture that can be read here. "
            "Choose a JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP, PPM or JPEG 2000 file."
        ) from error
    except _DECODER_ERRORS as error:
        raise ImageError(
            f"{name} has a damaged header ({_reason(error)}). Copy or export it again."
        ) from error


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"The picture has no pixels ({width} x {height}). Choose another one.")
    if width * height > max_pixels:
        raise ImageError(
            f"The picture has {width:,} x {height:,} = {width * height:,} pixels; "
            f"at most {max_pixels:,} are accepted. Scale it down first."
        )
    if max(width, height) > MAX_SIDE_PX:
        raise ImageError(
            f"The picture has {width:,} x {height:,} pixels; "
            f"a side of at most {MAX_SIDE_PX:,} fits into a file. Scale it down first."
        )


def _to_upright_srgb(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    profile = image.info.get("icc_profile")
    opaque, alpha = _split_alpha(image)
    upright = Image.new("RGB", image.size, "white")
    upright.paste(_to_srgb(opaque, profile), mask=alpha)
    return upright if turn is None else upright.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DECODER_ERRORS as error:
        _logger.warning("Unreadable EXIF data ignored: %s", error)
        return 1


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture with 8 bits per channel and without alpha, and its alpha channel."""
    if image.mode.startswith("I"):
        return _grey_from_16_bits(image)
    if image.mode == "F":
        raise ValueError("32-bit floating point; save it with 8 or 16 bits per channel")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in ("1", "L", "RGB", "CMYK"):
        return image.convert("L") if image.mode == "1" else image, None
    return image.convert("RGB"), None


def _grey_from_16_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise ValueError("32-bit integers; save it with 8 or 16 bits per channel")
    values = np.asarray(image).astype(np.int64)
    grey = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is None:
        return grey, None
    return grey, Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile_bytes: bytes | None) -> Image.Image:
    """Return the picture as RGB, through its color profile where it has one."""
    if profile_bytes:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
            if "sRGB" not in ImageCms.getProfileDescription(profile):
                converted = ImageCms.profileToProfile(
                    image,
                    profile,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            _logger.warning("Color profile ignored: %s", error)
    return image.convert("RGB")


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def write_png(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises:
        ImageError: If the target cannot be written; an older file stays as it was.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    try:
        write_whole(buffer.getvalue(), Path(path))
    except OSError as error:
        raise ImageError(
            f"The picture cannot be written to {os.fspath(path)!r}: {error.strerror or error}. "
            "Choose another place."
        ) from error


def to_tensor(image: Image.Image) -> Float[Tensor, "1 3 height width"]:
    """Return an RGB picture as a batch of one, in [0, 1].

    Raises:
        ImageError: If the picture is not of mode ``RGB``.
    """
    if image.mode != "RGB":
        raise ImageError(
            f"The picture has mode {image.mode!r}, not 'RGB'. Read it with read_image, "
            "or convert it first."
        )
    values = torch.from_numpy(np.array(image)).permute(2, 0, 1)  # (3, height, width)
    return values.unsqueeze(0).contiguous().to(torch.float32) / 255


def to_image(image: Float[Tensor, "1 3 height width"]) -> Image.Image:
    """Return a batch of one as an RGB picture.

    Values are rounded to the nearest of the 256 levels, halves upward (the published system
    truncates, which darkens every picture by half a level), and clamped to [0, 1].
    """
    levels = (image[0].to(torch.float32).clamp(0, 1) * 255 + 0.5).floor().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())


def pad_to_multiple(
    image: Image01, multiple: int = PIXELS_PER_BLOCK
) -> Float[Tensor, "batch 3 padded_height padded_width"]:
    """Extend pictures to the right and below, so that both sides are multiples.

    The last row and column are repeated. Zeros, which the published system takes, put a hard dark
    edge along the border: it costs bits, and every network with a receptive field across it
    draws the dark back into the picture.

    Args:
        image: RGB in [0, 1].
        multiple: What both sides shall be multiples of [px].
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    return functional.pad(image, (0, right, 0, below), mode="replicate")


def crop(
    padded: Float[Tensor, "batch 3 padded_height padded_width"], size_px: tuple[int, int]
) -> Image01:
    """Return the top left part of ``size_px`` (height, width), undoing :func:`pad_to_multiple`."""
    height, width = size_px
    return padded[..., :height, :width]
