"""Pictures from files to tensors and back.

How a file is read stands in :mod:`difficmh_core.image_reading`.
"""

import io
import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.config.networks import PIXELS_PER_BLOCK
from difficmh_core.errors import ImageError
from difficmh_core.image_reading import MAX_PIXELS, read_picture
from difficmh_core.shapes import Image01


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
    return read_picture(source, max_pixels=max_pixels).image


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
            f"The image cannot be written to {os.fspath(path)!r}: {error.strerror or error}. "
            "Choose another place."
        ) from error


def to_tensor(image: Image.Image) -> Float[Tensor, "1 3 height width"]:
    """Return an RGB picture as a batch of one, in [0, 1].

    Raises:
        ImageError: If the picture is not of mode ``RGB``.
    """
    if image.mode != "RGB":
        raise ImageError(
            f"The image has mode {image.mode!r}, not 'RGB'. Read it with read_image, "
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
