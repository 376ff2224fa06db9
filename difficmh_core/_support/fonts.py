"""The font in which pictures are labeled: that of matplotlib, which has arrows and many scripts.

Pillow's own has neither arrows nor letters beyond Western Europe: it draws empty boxes.
"""

from functools import cache
from pathlib import Path

from PIL import ImageFont


@cache
def label_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans of a size [px]; letters that it lacks are boxes."""
    import matplotlib as mpl  # slow to import

    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size_px)
