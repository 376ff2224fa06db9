"""Decoded pictures to files of many kinds; without torch.

Lossless where the format can be: a decoded picture has lost enough.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from difficmh_core.errors import BackendUnavailableError, ConfigError, ImageError
from difficmh_core.image_reading import import_decoders
from difficmh_core.image_reading.picture import MAX_SIDE_PX


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """A kind of picture file.

    Attributes:
        name: As Pillow knows it.
        options: How Pillow writes it.
        loss: What it adds to the decoded picture's own loss, in words; empty for none.
        longest_px: Largest height or width [px].
    """

    name: str
    options: Mapping[str, Any]
    loss: str = ""
    longest_px: int = MAX_SIDE_PX


_JPEG = PictureFormat(
    name="JPEG",
    options={"quality": 95, "subsampling": 0},
    loss="JPEG at quality 95 adds a little loss",
    longest_px=65_500,
)
_TIFF = PictureFormat(name="TIFF", options={"compression": "tiff_adobe_deflate"})
FORMATS: Mapping[str, PictureFormat] = {
    ".png": PictureFormat(name="PNG", options={}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": PictureFormat(name="WEBP", options={"lossless": True}, longest_px=16_383),
    ".avif": PictureFormat(
        name="AVIF",
        options={"quality": 95, "subsampling": "4:4:4"},
        loss="AVIF at quality 95 adds a little loss",
    ),
    ".jxl": PictureFormat(name="JXL", options={"lossless": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
"""Each by the suffix that asks for it."""


def format_of(suffix: str) -> PictureFormat:
    """The format that a file's name asks for.

    Args:
        suffix: How the name ends: ``.png``.

    Raises:
        ConfigError: If no format is named so.
    """
    if (found := FORMATS.get(suffix.lower())) is None:
        raise ConfigError(
            f"Pictures are not written as {suffix or 'a file without a suffix'!r}. Choose one of "
            f"{', '.join(FORMATS)}."
        )
    return found


def loss_of(suffix: str) -> str | None:
    """What a format adds to the decoded picture's own loss, in a sentence; ``None`` for none."""
    if not (loss := format_of(suffix).loss):
        return None
    exact = {kind.name for kind in FORMATS.values() if not kind.loss}
    return f"{loss}; {', '.join(sorted(exact))} add none."


def check_picture(suffix: str, size_px: tuple[int, int]) -> None:
    """Refuse a picture that is too long for a format.

    Args:
        suffix: How the file's name ends: ``.png``.
        size_px: Height and width [px].

    Raises:
        ConfigError: If no format is named so.
        ImageError: If the format has no room for it.
    """
    kind = format_of(suffix)
    if max(size_px) > kind.longest_px:
        raise ImageError(
            f"The image has a side of {max(size_px):,} px; {kind.name} has room for "
            f"{kind.longest_px:,}. Write a PNG."
        )


def picture_bytes(image: Image.Image, suffix: str) -> bytes:
    """Write a picture in the format that a suffix asks for.

    Args:
        image: RGB picture.
        suffix: How the file's name ends: ``.png``.

    Raises:
        ConfigError: If no format is named so.
        ImageError: If the picture is too long for it.
        BackendUnavailableError: If this installation cannot write it.
    """
    kind = format_of(suffix)
    check_picture(suffix, (image.height, image.width))
    if kind.name == "JXL":
        import_decoders()  # brings the plugin of Pillow that also writes it
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=kind.name, **kind.options)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise BackendUnavailableError(
            f"Pillow cannot write this image as {kind.name} here ({error}). Choose .png."
        ) from error
    return buffer.getvalue()
