"""PSNR and MS-SSIM: the two metrics of distortion that need no network.

References:
    Wang, Simoncelli, Bovik: Multi-scale Structural Similarity for Image Quality Assessment,
    Asilomar 2003, eq. 7 and section 3.2, https://doi.org/10.1109/ACSSC.2003.1292216
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from difficmh_core.errors import ImageError
from difficmh_core.shapes import Image01

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, finest first, as published."""
_WINDOW_SIDE_PX = 11
_WINDOW_SIGMA_PX = 1.5
_LUMINANCE_CONSTANT = 0.01**2
_CONTRAST_CONSTANT = 0.03**2
"""The constants C1 and C2, for values in [0, 1]."""

MS_SSIM_MIN_SIDE_PX = (_WINDOW_SIDE_PX - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1
"""Smallest side on which the coarsest scale still holds a whole window [px]."""


def psnr_db(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return the peak signal-to-noise ratio of each picture, in dB (higher is better).

    Args:
        reference: Original images, RGB in [0, 1].
        decoded: Decoded images of the same size, RGB in [0, 1].

    Returns:
        One value per image [dB]; ``inf`` where the two are equal.
    """
    mse = (reference - decoded).square().flatten(1).mean(dim=1)
    return -10.0 * torch.log10(mse)


def ms_ssim(reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
    """Return the multi-scale structural similarity of each picture (higher is better).

    Each color channel is compared on its own and the three values averaged, as learned
    compression reports it.

    Args:
        reference: Original images, RGB in [0, 1], each side at least 161 px.
        decoded: Decoded images of the same size, RGB in [0, 1].

    Returns:
        One value per image, 0 to 1, without unit; 1 where the two are equal.

    Raises:
        ImageError: If a side is too short for five scales.
    """
    height_px, width_px = reference.shape[2:]
    if min(height_px, width_px) < MS_SSIM_MIN_SIDE_PX:
        raise ImageError(
            f"The image has {width_px}x{height_px} px, but MS-SSIM needs at least "
            f"{MS_SSIM_MIN_SIDE_PX} px on each side. Use another metric, or a larger image."
        )
    window = _window(reference)
    product = torch.ones_like(reference[:, :, 0, 0])
    n_scales = len(_SCALE_WEIGHTS)
    for scale, weight in enumerate(_SCALE_WEIGHTS, start=1):
        luminance, structure = _similarity(reference, decoded, window)
        is_coarsest = scale == n_scales
        similarity = luminance * structure if is_coarsest else structure
        # (B, 3, H, W) averaged over positions; below zero no real power exists
        product = product * similarity.mean(dim=(2, 3)).clamp(min=0.0) ** weight
        if not is_coarsest:
            reference, decoded = _halved(reference), _halved(decoded)
    return product.mean(dim=1)


def _similarity(
    reference: Image01, decoded: Image01, window: Float[Tensor, " side"]
) -> tuple[Tensor, Tensor]:
    """Return the luminance term and the product of contrast and structure at each position."""
    mean_r, mean_d = _smoothed(reference, window), _smoothed(decoded, window)
    variance_r = _smoothed(reference.square(), window) - mean_r.square()
    variance_d = _smoothed(decoded.square(), window) - mean_d.square()
    covariance = _smoothed(reference * decoded, window) - mean_r * mean_d
    luminance = (2 * mean_r * mean_d + _LUMINANCE_CONSTANT) / (
        mean_r.square() + mean_d.square() + _LUMINANCE_CONSTANT
    )
    structure = (2 * covariance + _CONTRAST_CONSTANT) / (
        variance_r + variance_d + _CONTRAST_CONSTANT
    )
    return luminance, structure


def _window(like: Tensor) -> Float[Tensor, " side"]:
    position = torch.arange(_WINDOW_SIDE_PX, dtype=like.dtype, device=like.device)
    position = position - _WINDOW_SIDE_PX // 2
    window = torch.exp(-(position**2) / (2 * _WINDOW_SIGMA_PX**2))
    return window / window.sum()


def _smoothed(image: Image01, window: Float[Tensor, " side"]) -> Tensor:
    """Average over the window, only where it lies inside the picture."""
    kernel = window.expand(3, 1, 1, -1)
    rows = functional.conv2d(image, kernel, groups=3)
    return functional.conv2d(rows, kernel.transpose(2, 3), groups=3)


def _halved(image: Image01) -> Tensor:
    """Average squares of four pixels; an odd side is first padded with zeros at both ends."""
    padding = [side % 2 for side in image.shape[2:]]
    return functional.avg_pool2d(image, kernel_size=2, padding=padding)
