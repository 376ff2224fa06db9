"""A decoded picture of any mode brought to 8-bit sRGB on white.

References:
    ICC.1:2022: profiles. ITU-T H.273: code points of primaries and transfer functions.
    W3C PNG (third edition), section 4.3: code points go before a profile.
"""

import io
import logging
import struct

import numpy as np
from PIL import Image, ImageCms

from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.header import Coding, UnreadKindError
from difficmh_core.image_reading.levels import image_of, to_levels
from difficmh_core.image_reading.light import HDR_NOTES, WIDE_PRIMARIES, to_srgb_light

_CMYK_NOTE = (
    "The file is CMYK without a color profile, so its colors are converted by a plain formula."
)
_logger = logging.getLogger(__name__)


def to_srgb(
    image: Image.Image, profile: bytes | None, coding: Coding | None
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the picture as RGB, laid on white, and what is to be noted of its colors.

    Args:
        image: A decoded picture; its ``info`` names a transparent color where there is one.
        profile: Its ICC profile.
        coding: Its code points; they go before the profile where they name a range beyond white.

    Raises:
        ImageError: If the profile is larger than any.
        UnreadKindError: If its numbers are none that a photograph has.
    """
    check("bytes of color profile", len(profile or b""))
    opaque, alpha = _split_alpha(image)
    rgb, notes = _convert(opaque, profile, coding)
    if alpha is None:
        return rgb, notes
    laid = Image.new("RGB", image.size, "white")
    laid.paste(rgb, mask=alpha)
    return laid, notes


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture with 8 bits per channel and without alpha, and its alpha channel."""
    if image.mode.startswith("I"):
        return _gray_from_16_bits(image)
    if image.mode == "F":
        return image_of(to_levels(np.asarray(image))), None
    if image.mode == "LA" and not image.info.get("transparency"):
        return image.getchannel("L"), image.getchannel("A")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in ("1", "L", "RGB", "CMYK", "LAB"):
        return image.convert("L") if image.mode == "1" else image, None
    return image.convert("RGB"), None


def _gray_from_16_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    values = np.asarray(image)
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise UnreadKindError("32-bit integers; save it with 8 or 16 bits per channel")
    gray = image_of(to_levels(values, 65535))
    transparent = image.info.get("transparency")
    if transparent is None:
        return gray, None
    return gray, image_of(np.where(values == transparent, 0, 255).astype(np.uint8))


def _convert(
    image: Image.Image, profile: bytes | None, coding: Coding | None
) -> tuple[Image.Image, tuple[str, ...]]:
    hdr_note = HDR_NOTES.get(coding.transfer) if coding else None
    if hdr_note and coding:
        return _through_light(image, coding), (hdr_note,)
    if image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if profile:
        converted, notes = _through_profile(image, profile)
        if converted is not None:
            return converted, notes
    elif coding and coding.primaries in WIDE_PRIMARIES:
        return _through_light(image, coding), ()
    else:
        notes = ()
    if image.mode == "CMYK":
        notes = (*notes, _CMYK_NOTE)
    return image.convert("RGB"), notes


def _through_light(image: Image.Image, coding: Coding) -> Image.Image:
    return to_srgb_light(np.asarray(image.convert("RGB")), 8, coding)


def _through_profile(
    image: Image.Image, profile_bytes: bytes
) -> tuple[Image.Image | None, tuple[str, ...]]:
    """Return the converted picture, or ``None`` where the values stay as they are."""
    hdr_note = HDR_NOTES.get(_profile_transfer(profile_bytes))
    notes = (hdr_note,) if hdr_note else ()
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
        if "sRGB" in ImageCms.getProfileDescription(profile) and image.mode != "CMYK":
            return None, notes
        converted = ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        _logger.debug("Color profile ignored: %s", error)
        return None, (*notes, "Its color profile is damaged or does not fit, and is ignored.")
    return converted, notes


def _profile_transfer(profile: bytes) -> int:
    """Return the transfer function that a profile names by code point; 0 if none."""
    if len(profile) < 132:
        return 0
    (n_tags,) = struct.unpack_from(">I", profile, 128)
    for at in range(132, min(132 + 12 * n_tags, len(profile) - 11), 12):
        name, offset = struct.unpack_from(">4sI", profile, at)
        if name == b"cicp" and offset + 10 <= len(profile):
            return int(profile[offset + 9])
    return 0
