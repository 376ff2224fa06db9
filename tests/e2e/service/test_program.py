"""The program over days: memory and folder stay bounded, a full disk and an end lose nothing."""

import contextlib
import io
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.ui.page import MAX_SESSIONS
from difficmh_core.ui.runtime import texts
from difficmh_core.ui.runtime.cache import Entry, ResultCache
from tests.e2e.program import Program, running_program
from tests.e2e.service.visitor import Visitor, as_entered

LOGGER = logging.getLogger(__name__)
N_ROUNDS = 2000
N_WARM = 100 + MAX_SESSIONS
"""After these, everything that is kept up to a limit has reached it."""
MAX_GROWTH_BYTES = 48 << 20
KEEP_S = 18
DISK_BYTES = 80 << 20
N_LARGE = 12
MAX_AFTER_LARGE_BYTES = 500 << 20

pytestmark = pytest.mark.long


@contextmanager
def tiny_program(
    folder: Path, *, pace_s: float = 0.0, keep_s: float = 540.0, served: Path | None = None
) -> Iterator[Program]:
    words = ("-m", "tests.e2e.service.tiny_program", str(pace_s), str(keep_s))
    with running_program(folder, words, served) as program:
        yield program


def photograph(number: int) -> bytes:
    """The file of a picture that no other call returns."""
    coarse = np.random.default_rng(number).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_and_decode(url: str, number: int) -> None:
    with Visitor(url) as visitor:
        photo = visitor.upload(photograph(number), "a.png")
        coded = visitor.ask("encode", [photo, number % 100, 0, None, False, 0])
        file = coded["data"][0]
        decoded = visitor.ask("decode", [file, "instant", 1, 0, "", str(number), 0, -1, -1])
        assert decoded["data"][1]["settings"]["seed"] == number


def files_in(folder: Path) -> set[Path]:
    """Every file; ``os.walk`` passes over folders that the program deletes meanwhile."""
    return {Path(place, name) for place, _, names in os.walk(folder) for name in names}


def size_of(folder: Path) -> int:
    total = 0
    for path in files_in(folder):
        with contextlib.suppress(FileNotFoundError):  # swept meanwhile
            total += path.stat().st_size
    return total


def test_two_thousand_encodings_and_decodings_leave_memory_and_folder_as_they_were(tmp_path):
    with tiny_program(tmp_path, keep_s=KEEP_S) as program:
        process = psutil.Process(program.process.pid)
        held, files = list[int](), list[int]()
        for number in range(N_ROUNDS):
            encode_and_decode(program.url, number)
            if number % 100 == 99:
                held.append(process.memory_info().rss)
                files.append(size_of(program.served))
        warm = N_WARM // 100
        LOGGER.info("memory [MB]: %s", [value >> 20 for value in held])
        LOGGER.info("folder [KB]: %s", [value >> 10 for value in files])
        assert max(held[warm:]) - held[warm] < MAX_GROWTH_BYTES
        assert max(files[warm:]) < 3 * max(files[:warm])
        deadline = time.monotonic() + 2 * KEEP_S
        while len(files_in(program.served)) > 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(files_in(program.served)) <= 2  # the lock, and what was swept last


def test_large_uploads_leave_no_memory_behind(tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8))
    large = io.BytesIO()
    picture.resize((4600, 3450), Image.Resampling.NEAREST).save(large, "TIFF")
    with tiny_program(tmp_path) as program:
        process = psutil.Process(program.process.pid)
        encode_and_decode(program.url, 0)
        before, held = process.memory_info().rss, list[int]()
        for number in range(N_LARGE):
            with Visitor(program.url) as visitor:
                data = large.getvalue() + bytes(number + 1)
                photo = visitor.upload(data, f"large-{number}.tif")
                assert "data" in visitor.ask("receive", [photo])
            held.append(process.memory_info().rss)
        LOGGER.info("memory [MB]: %d, then %s", before >> 20, [value >> 20 for value in held])
        assert held[-1] - before < MAX_AFTER_LARGE_BYTES


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={DISK_BYTES}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_a_sentence_and_nothing_is_half_written(tmp_path, small_disk):
    with tiny_program(tmp_path, served=small_disk) as program, Visitor(program.url) as visitor:
        photo = visitor.upload(photograph(0), "a.png")
        filler = small_disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free))
        before = files_in(small_disk)
        told = visitor.ask("encode", [photo, 50, 0, None, False, 0])
        assert told["error"] == texts.NO_ROOM
        with pytest.raises(httpx.HTTPStatusError) as refused:
            visitor.upload(photograph(1), "b.png")
        assert refused.value.response.json()["detail"] == texts.NO_ROOM
        assert files_in(small_disk) == before
        filler.unlink()
        assert "data" in visitor.ask("encode", [photo, 50, 0, None, False, 0])


def test_a_full_disk_keeps_a_result_out_and_those_before_it_whole(small_disk):
    results = ResultCache(small_disk)
    results.put("first", Entry(data=b"a" * 1000, facts={"n": 1}), for_good=True)
    with pytest.raises(OSError, match="No space"):
        results.put("large", Entry(data=bytes(2 * DISK_BYTES), facts={}), for_good=True)
    again = ResultCache(small_disk)
    assert again.get("first").data == b"a" * 1000
    assert again.get("large") is None
    assert {path.suffix for path in small_disk.iterdir()} == {".data", ".json"}


def test_asked_to_end_while_it_decodes_it_leaves_at_once_and_nothing_behind(tmp_path):
    with tiny_program(tmp_path, pace_s=0.3) as program, Visitor(program.url) as visitor:
        photo = visitor.upload(photograph(0), "a.png")
        file = visitor.ask("encode", [photo, 50, 0, None, False, 0])["data"][0]
        controls = as_entered(
            DecodeSettings(steps=100, guidance_scale=2.0, sampler=SamplerName.DDIM)
        )
        visitor.join("decode_2", {"file": file, **controls})
        for message in visitor.messages():
            if message["msg"] == "process_generating":
                break
        for path in files_in(program.served):
            if path.suffix == ".png":
                Image.open(path).load()
        asked = time.monotonic()
        os.kill(program.process.pid, signal.SIGTERM)
        program.process.wait(timeout=30)
        LOGGER.info("ended after %.1f s", time.monotonic() - asked)
        assert time.monotonic() - asked < 5
        assert list(program.served.iterdir()) == []
        assert "Traceback" not in (tmp_path / "log.txt").read_text()


def test_a_program_that_was_killed_leaves_nothing_for_long(tmp_path):
    with tiny_program(tmp_path) as program, Visitor(program.url) as visitor:
        visitor.upload(photograph(0), "a.png")
        program.process.kill()
        program.process.wait()
    (left,) = program.served.iterdir()
    with tiny_program(tmp_path) as program:
        assert not left.exists()
        assert len(list(program.served.iterdir())) == 1
