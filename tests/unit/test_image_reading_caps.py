"""Crafted files are refused or read in seconds; the table of caps says what is refused."""

import re
import time
from pathlib import Path

import pytest

import difficmh_core.image_reading.caps as caps
from difficmh_core.errors import ImageError
from difficmh_core.image_reading import read_picture
from tests.crafted_pictures import CRAFTED

MOST_CPU_S = 10.0
READ = {
    "jpeg-exif", "png-texts", "png-exif", "webp-frames", "webp-exif",
    "ppm-spaces", "ppm-words", "bmp-runs",
    "jpeg2000-12-mb",
}  # fmt: skip
"""These cost nothing, because decoders are not given metadata and later frames, or little."""


@pytest.mark.parametrize("name", CRAFTED)
def test_every_crafted_file_is_refused_or_read_in_seconds(name):
    data = CRAFTED[name]()
    started = time.process_time()
    if name in READ:
        assert read_picture(data, max_pixels=16_777_216).image.mode == "RGB"
    else:
        with pytest.raises(ImageError, match=r"^(The file holds more than|The data is a damaged)"):
            read_picture(data, max_pixels=16_777_216)
    assert time.process_time() - started < MOST_CPU_S


def test_every_row_of_the_table_is_used_and_gives_its_reason():
    folder = Path(caps.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "caps.py")
    for cap in caps.CAPS:
        assert f'"{cap.name}"' in code or cap.name.startswith("bytes of "), cap.name
        assert re.fullmatch(r"[A-Z0-9].*\.", cap.reason), cap.name
    assert len({cap.name for cap in caps.CAPS}) == len(caps.CAPS)


def test_what_is_beyond_a_cap_says_what_and_how_much():
    caps.check("JPEG scans", 64)
    with pytest.raises(ImageError, match="more than 64 JPEG scans, which is the most that is"):
        caps.check("JPEG scans", 65)
