"""Damaged files bring an ``ImageError`` or a picture, and nothing else; no decoder crashes."""

import subprocess
import sys

import pytest

from tests.real_pictures import FOLDER

FILES = sorted(FOLDER.iterdir())
ONE_OF_EACH = (
    "avif-10.avif", "avif-frames.avif", "bmp.bmp", "gif-frames.gif", "heic-8.heic", "jpeg-12.jpg",
    "jpeg-2000.jp2", "jpeg-progressive.jpg", "jxl-from-jpeg.jxl", "jxl-lossy.jxl", "pgm.pgm",
    "png-p3.png", "tiff-float-lzw-3.tiff", "tiff-jpeg-tiled.tiff", "webp-lossy.webp",
)  # fmt: skip


def read_mutants(path, n_mutants, first=0):
    """Read them in another process, because a crash would end this one."""
    command = [sys.executable, "-m", "tests.mutants", str(path), str(n_mutants), str(first)]
    done = subprocess.run(
        command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False
    )
    last = done.stdout.strip().rpartition("\n")[2]
    assert done.returncode == 0, f"{path.name}, seed {last}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_no_damage_escapes_as_another_error(name):
    read_mutants(FOLDER / name, 50)


@pytest.mark.parametrize(
    ("name", "seed"), [("tiff-16-planes.tiff", 11163), ("tiff-float-lzw-3.tiff", 11938)]
)
def test_damage_that_crashed_a_decoder_is_refused(name, seed):
    read_mutants(FOLDER / name, 1, seed)


@pytest.mark.long
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_damage_escapes_as_another_error_in_any_file(path):
    read_mutants(path, 1000)
