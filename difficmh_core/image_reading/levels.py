"""Numbers of any kind brought to the 256 levels of a screen.

Gray or color values come as integers of up to 32 bits or as floating point numbers; alpha is kept
beside them.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ROWS_AT_ONCE = 512
"""Large pictures are converted in bands, which bounds the memory for floating point numbers."""


def to_levels(values: NDArray[np.generic], most: int | None = None) -> NDArray[np.uint8]:
    """Return 8-bit levels, rounded.

    Args:
        values: Unsigned integers, or floating point numbers, of which 0 to 1 is shown.
        most: The integer that is white; all bits set if ``None``.
    """
    if values.dtype == np.uint8 and most in (None, 255):
        return values.astype(np.uint8, copy=False)
    is_float = values.dtype.kind == "f"
    white = 1.0 if is_float else float(most or (1 << 8 * values.dtype.itemsize) - 1)
    levels = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS_AT_ONCE):
        band = values[start : start + _ROWS_AT_ONCE].astype(np.float64)
        band = np.nan_to_num(band / white, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
        levels[start : start + _ROWS_AT_ONCE] = np.floor(band * 255 + 0.5)
    return levels


def image_of(levels: NDArray[np.uint8], mode: str | None = None) -> Image.Image:
    """Return an array of 8-bit levels as a picture.

    Args:
        levels: (height, width), or (height, width, channels) with 1 to 4 channels.
        mode: Pillow's name of what the channels are; by their number if ``None``.

    Raises:
        ValueError: If that does not fit together.
    """
    if levels.ndim == 3 and levels.shape[2] == 1:
        levels = levels[..., 0]
    n_channels = 1 if levels.ndim == 2 else levels.shape[2]
    mode = mode or {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}.get(n_channels)
    if (
        mode is None
        or levels.ndim not in (2, 3)
        or len(Image.new(mode, (1, 1)).getbands()) != (n_channels)
    ):
        raise ValueError(f"it has {n_channels} channels of {mode}")
    height, width = levels.shape[:2]
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(levels).tobytes())
