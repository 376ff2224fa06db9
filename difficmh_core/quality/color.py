"""Color fidelity: how far the mean colors of areas, and the saturation, are from the original's.

The mean of R, G and B over an area is compared channel by channel: the error of a channel is the
absolute difference of its means, in steps of 8 bits of sRGB ("of 255"). Detail, grain and small
displacements, which a generative decoder makes anew, nearly vanish in the mean of an area. What
stays is a tint or a shift in brightness, which is seen as a flash when the two pictures are
exchanged.

Blocks are squares of 64 px that cover the whole picture from its top left corner on. Where a side
is no multiple of 64 px, the last blocks end at the picture's edge and overlap those before them.

References:
    Saturation: Smith, Color Gamut Transform Pairs, SIGGRAPH 1978 (the hexcone model, HSV),
    https://doi.org/10.1145/965139.807361
"""

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.shapes import Image01

BLOCK_SIDE_PX = 64
"""Side of the squares over which colors are averaged [px]."""
_LEVELS = 255.0
"""Steps of 8 bits between 0 and 1."""
_GRAY_SATURATION = 0.01
"""Mean saturation below which a picture is as good as gray."""


def mean_block_error(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return the mean error over blocks and channels, of 255 (lower is better).

    Args:
        reference: Original images, RGB in [0, 1], each side at least 64 px.
        decoded: Decoded images of the same size, RGB in [0, 1].
    """
    return _block_errors(reference, decoded).mean(dim=(1, 2, 3))


def worst_block_error(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return the largest error of any channel in any block, of 255 (lower is better).

    Args:
        reference: Original images, RGB in [0, 1], each side at least 64 px.
        decoded: Decoded images of the same size, RGB in [0, 1].
    """
    return _block_errors(reference, decoded).amax(dim=(1, 2, 3))


def color_shift(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return the largest error of any channel over the whole picture, of 255 (lower is better).

    Args:
        reference: Original images, RGB in [0, 1].
        decoded: Decoded images of the same size, RGB in [0, 1].
    """
    return _LEVELS * (decoded - reference).mean(dim=(2, 3)).abs().amax(dim=1)


def saturation_change_percent(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return by how much the mean saturation differs, up or down, in % (lower is better).

    The saturation of a pixel is that of HSV, (max - min) / max of its channels, and 0 for black.

    Args:
        reference: Original images, RGB in [0, 1].
        decoded: Decoded images of the same size, RGB in [0, 1].

    Returns:
        One value per image [% of the original's saturation]; ``nan`` for a gray original, whose
        mean saturation is less than 0.01.
    """
    before, after = _mean_saturation(reference), _mean_saturation(decoded)
    percent = 100.0 * (after / before - 1.0).abs()
    return percent.where(before >= _GRAY_SATURATION, torch.nan)


def _mean_saturation(image: Image01) -> Float[Tensor, " batch"]:
    highest, lowest = image.amax(dim=1), image.amin(dim=1)
    saturation = torch.where(highest > 0.0, 1.0 - lowest / highest, 0.0)
    return saturation.mean(dim=(1, 2))


def _block_errors(reference: Image01, decoded: Image01) -> Float[Tensor, "batch 3 rows columns"]:
    means = decoded - reference
    for axis in (2, 3):
        strips = [
            means.narrow(axis, start, BLOCK_SIDE_PX).mean(dim=axis)
            for start in _starts_px(means.shape[axis])
        ]
        means = torch.stack(strips, dim=axis)
    return _LEVELS * means.abs()


def _starts_px(side_px: int) -> list[int]:
    """Where the blocks along a side of a picture begin."""
    last = side_px - BLOCK_SIDE_PX
    return [*range(0, last, BLOCK_SIDE_PX), last]
