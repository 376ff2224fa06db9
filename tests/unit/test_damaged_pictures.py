"""Pictures on which a decoder fails in its own words: each is refused in ours."""

import io

import pytest
from PIL import Image

from difficmh_core.errors import ImageError
from difficmh_core.image_io import read_image


def without_chunk(png, name):
    """A PNG without one of its chunks."""
    start = png.index(name) - 4
    return png[:start] + png[start + 12 + int.from_bytes(png[start : start + 4], "big") :]


def test_a_palette_picture_without_its_palette_is_refused():
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "red").quantize(4).save(file, "PNG")
    assert read_image(file.getvalue()).getpixel((0, 0)) == (255, 0, 0)
    with pytest.raises(ImageError, match="damaged"):
        read_image(without_chunk(file.getvalue(), b"PLTE"))
