"""Pictures are read in processes that can die, and what they answer is checked."""

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from PIL import Image

from difficmh_core.errors import ImageError, ProgramError
from difficmh_core.picture_pool import PicturePool, WorkerLimits, messages, read_as_png
from difficmh_core.picture_pool.pool import _picture_of
from difficmh_core.picture_pool.reading import check_plain_png
from tests.png_chunks import chunk

MAX_PIXELS = 64_000_000
PICTURES = Path(__file__).parents[1] / "pictures"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the limits are those of POSIX")


def jpeg(width: int, height: int) -> bytes:
    """A picture of noise, which takes its time."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(buffer, "JPEG")
    return buffer.getvalue()


SMALL, LARGE = jpeg(40, 30), jpeg(8000, 7500)


@pytest.fixture(scope="module")
def pool() -> Iterator[PicturePool]:
    with PicturePool(n_workers=1) as pool:
        yield pool


def read(pool: PicturePool, data: bytes = SMALL):
    return pool.read(data, name="photo.jpg", max_pixels=MAX_PIXELS)


def children() -> set[int]:
    """The processes that this one has started."""
    return {child.pid for child in psutil.Process().children()}


def test_a_picture_is_read_as_in_this_process(pool):
    assert read(pool) == read_as_png(SMALL, name="photo.jpg", max_pixels=MAX_PIXELS)


def test_what_is_no_picture_is_refused_in_the_same_words(pool):
    with pytest.raises(ImageError) as expected:
        read_as_png(b"words", name="photo.jpg", max_pixels=MAX_PIXELS)
    with pytest.raises(ImageError) as refused:
        read(pool, b"words")
    assert str(refused.value) == str(expected.value)
    assert "photo.jpg" in str(refused.value)


def test_a_crash_is_a_sentence_and_the_next_picture_is_read():
    before = children()
    with PicturePool(n_workers=1) as pool:
        read(pool)
        new = children() - before

        def crash() -> None:
            time.sleep(0.3)
            for pid in new:
                os.kill(pid, signal.SIGSEGV)

        threading.Thread(target=crash).start()
        with pytest.raises(ImageError, match="makes its decoder fail"):
            read(pool, LARGE)
        assert read(pool).size_px == (30, 40)


def test_time_on_the_clock_is_limited():
    with PicturePool(n_workers=1, limits=WorkerLimits(wall_s=0.2)) as pool:
        read(pool)
        with pytest.raises(ImageError, match="takes more than 0 s"):
            read(pool, LARGE)
        assert read(pool).size_px == (30, 40)


def test_computing_time_is_limited():
    with PicturePool(n_workers=1, limits=WorkerLimits(cpu_s=0.0, wall_s=60.0)) as pool:
        started = time.monotonic()
        with pytest.raises(ImageError, match="takes more than"):
            read(pool, LARGE)
        assert time.monotonic() - started < 30
        assert read(pool).size_px == (30, 40)


def test_memory_is_limited():
    with PicturePool(n_workers=1, limits=WorkerLimits(memory_bytes=500_000_000)) as pool:
        with pytest.raises(ImageError, match="memory"):
            read(pool, LARGE)
        assert read(pool).size_px == (30, 40)


def test_a_worker_is_replaced_after_its_share():
    before = children()
    with PicturePool(n_workers=1, limits=WorkerLimits(max_pictures=1)) as pool:
        first = children() - before
        read(pool)
        second = children() - before
        assert len(first) == len(second) == 1
        assert first != second
        read(pool)


def test_a_closed_pool_leaves_no_process():
    before = children()
    pool = PicturePool(n_workers=2)
    read(pool)
    assert len(children() - before) == 2
    pool.close()
    assert children() == before


def test_a_worker_that_does_not_start_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with PicturePool(n_workers=1) as pool, pytest.raises(ProgramError, match="does not start"):
        read(pool)


LOCKED_DOWN = """
import ctypes, os, signal, socket, subprocess, sys, threading
from difficmh_core.picture_pool.limits import WorkerLimits, lock_down
folder = sys.argv[1]
told = [lock_down(WorkerLimits())]
def refused(act, *arguments):
    try:
        act(*arguments)
    except OSError:
        told.append(True)
    else:
        told.append(False)
refused(open, "/etc/passwd")
refused(open, folder + "/written", "w")
refused(os.listdir, "/")
refused(socket.socket)
refused(subprocess.run, ["/bin/true"])
refused(os.execv, "/bin/true", ["true"])
refused(os.fork)
refused(os.kill, os.getppid(), 0)
refused(os.rename, folder + "/there", folder + "/moved")
refused(os.link, folder + "/there", folder + "/linked")
refused(os.symlink, folder + "/there", folder + "/linked")
refused(os.unlink, folder + "/there")
refused(os.truncate, folder + "/there", 0)
refused(os.chmod, folder + "/there", 0)
refused(os.mkdir, folder + "/made")
try:
    held = bytearray(2_000_000_000)
except MemoryError:
    told.append(True)
thread = threading.Thread(target=told.append, args=[True])
thread.start()
thread.join()
sys.stdout.write(repr(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the filter of system calls is Linux's")
def test_a_worker_computes_and_does_nothing_else(tmp_path):
    (tmp_path / "there").write_text("data")
    script = [sys.executable, "-c", LOCKED_DOWN, str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert done.stdout == repr([True] * 18)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["data"]


def test_a_worker_knows_no_password_of_the_host(monkeypatch):
    monkeypatch.setenv("DIFFICMH_AUTH", "ada:word")
    before = children()
    with PicturePool(n_workers=1) as pool:
        read(pool)
        (new,) = children() - before
        assert b"DIFFICMH_AUTH" not in Path(f"/proc/{new}/environ").read_bytes()


def test_a_worker_that_died_idle_is_replaced_without_a_word():
    before = children()
    with PicturePool(n_workers=1) as pool:
        read(pool)
        (killed,) = children() - before
        os.kill(killed, signal.SIGKILL)
        psutil.Process(killed).wait(timeout=10)
        assert read(pool) == read_as_png(SMALL, name="photo.jpg", max_pixels=MAX_PIXELS)
        (new,) = children() - before
        assert new != killed


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"size_px": [float("inf"), 3], "format_name": "JPEG", "notes": []},
        {"size_px": [-1, 3], "format_name": "JPEG", "notes": []},
        {"size_px": [1 << 40, 3], "format_name": "JPEG", "notes": []},
        {"size_px": [3], "format_name": "JPEG", "notes": []},
        {"size_px": [3, 3], "format_name": "JPEG", "notes": 5},
    ],
)
def test_nonsense_of_a_worker_is_a_sentence(facts):
    with pytest.raises(ImageError, match="makes its decoder fail"):
        _picture_of(facts, b"")


HEADER = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
START, PIXELS, END = b"\x89PNG\r\n\x1a\n", chunk(b"IDAT", b"x"), chunk(b"IEND", b"")


def test_a_plain_png_passes():
    check_plain_png(START + chunk(b"IHDR", HEADER) + PIXELS * 2 + END, (30, 40), 1200)
    check_plain_png(read_as_png(SMALL, name="a", max_pixels=1200).png, (30, 40), 1200)


@pytest.mark.parametrize(
    "png",
    [
        b"",
        START,
        START + chunk(b"IHDR", HEADER) + END,
        START + chunk(b"IHDR", HEADER) + PIXELS,
        START + chunk(b"IHDR", HEADER) + PIXELS + END + b"more",
        START + chunk(b"IHDR", HEADER) + PIXELS + END + END,
        START + chunk(b"IHDR", HEADER) + chunk(b"tEXt", b"x") + PIXELS + END,
        START + chunk(b"IHDR", HEADER) + chunk(b"IHDR", HEADER) + PIXELS + END,
        START + PIXELS + END,
        START + chunk(b"IHDR", struct.pack(">IIBBBBB", 41, 30, 8, 2, 0, 0, 0)) + PIXELS + END,
        START + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 16, 6, 0, 0, 0)) + PIXELS + END,
        SMALL,
    ],
)
def test_anything_else_that_a_worker_answers_is_refused(png):
    with pytest.raises(ImageError, match="came back is damaged"):
        check_plain_png(png, (30, 40), 1200)


def test_a_picture_larger_than_allowed_is_refused():
    png = START + chunk(b"IHDR", HEADER) + PIXELS + END
    with pytest.raises(ImageError):
        check_plain_png(png, (30, 40), 1199)


def test_messages_come_back_as_they_were_sent():
    stream = io.BytesIO()
    messages.send(stream, {"name": "ü"}, b"data")
    stream.seek(0)
    assert messages.receive(stream, 4) == ({"name": "ü"}, b"data")


def test_a_message_that_is_nested_without_end_is_refused():
    facts = b"[" * 50_000
    with pytest.raises(ValueError, match="nested"):
        messages.receive(io.BytesIO(struct.pack(">II", len(facts), 0) + facts), 4)


@pytest.mark.parametrize("sent", [b"\0" * 8, struct.pack(">II", 2, 0) + b"[]"])
def test_a_message_without_facts_is_refused(sent):
    with pytest.raises(ValueError, match=r"facts|Expecting"):
        messages.receive(io.BytesIO(sent), 4)


def test_a_message_that_is_too_long_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="too long"):
        messages.receive(io.BytesIO(struct.pack(">II", 1, 5)), 4)


@pytest.mark.parametrize("path", sorted(PICTURES.iterdir()), ids=lambda path: path.name)
def test_every_kind_of_file_is_read_there_as_here(pool, path):
    """Whatever a decoder imports late, it could not import there."""
    data = path.read_bytes()
    there = pool.read(data, name=path.name, max_pixels=MAX_PIXELS)
    assert there == read_as_png(data, name=path.name, max_pixels=MAX_PIXELS)


TIFFS = [
    {"compression": compression, "predictor": predictor, "dtype": dtype}
    for compression in (None, "zlib", "lzma", "zstd", "lerc")
    for predictor in (False, True)
    for dtype in ("uint8", "uint16", "uint32", "float32")
    if not (predictor and compression in (None, "lerc"))
] + [{"compression": "jpeg", "dtype": "uint8"}, {"compression": "webp", "dtype": "uint8"}]


@pytest.mark.parametrize(
    "options", TIFFS, ids=lambda options: "-".join(map(str, options.values()))
)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_every_kind_of_tiff_is_read_or_refused_there_as_here(pool, options, planar):
    dtype = np.dtype(options["dtype"])
    rows, columns = np.mgrid[0:32, 0:48]
    ramp = (rows + columns) / 80
    values = ramp if dtype.kind == "f" else ramp * np.iinfo(dtype).max
    rgb = np.stack([values] * 3, axis=-1 if planar == "contig" else 0).astype(dtype)
    buffer = io.BytesIO()
    more = {key: value for key, value in options.items() if key != "dtype"}
    if options["compression"] == "webp" and planar == "separate":
        pytest.skip("WebP holds all three together")
    tifffile.imwrite(buffer, rgb, photometric="rgb", planarconfig=planar, **more)
    assert outcome(pool.read, buffer.getvalue()) == outcome(read_as_png, buffer.getvalue())


def outcome(read, data):
    """The picture, or why there is none."""
    try:
        return read(data, name="a.tiff", max_pixels=MAX_PIXELS)
    except ImageError as error:
        return str(error)
