"""What crafted pictures cost the page, and the visitor whose decoding runs beside them.

    python -m benchmarks.crafted_pictures [--repeats 5] [--only jpeg-1,000-scans ...]

The program is started as a host starts it, with nano. One visitor decodes the same file over and
over, alone and while another uploads a picture of ``tests/crafted_pictures.py``, in turn. Told are
the computing time of the processes that read pictures, what the sender is answered, and by how
much a decoding took longer than the one alone before it.
"""

import argparse
import json
import statistics
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from tests.crafted_pictures import CRAFTED
from tests.e2e.program import ROOT, Program, running_program
from tests.e2e.service.visitor import Visitor

PHOTO = ROOT / "examples" / "astronaut.png"
RESULT = Path(__file__).parent / "results" / "crafted_pictures.json"
MAX_UPLOAD_BYTES = 100 << 20


def main() -> None:
    """Measure, print a line for each picture, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="decodings alone, and beside each")
    parser.add_argument("--only", nargs="+", default=list(CRAFTED), choices=list(CRAFTED))
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, running_program(Path(folder)) as program:
        decoder = _Decoder(program.url)
        decoder.seconds()  # networks are loaded
        rows = {}
        for name in arguments.only:
            data = CRAFTED[name]()
            if len(data) <= MAX_UPLOAD_BYTES:
                rows[name] = _beside(program, decoder, name, data, arguments.repeats)
                print(f"{name}: {rows[name]}", flush=True)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


class _Decoder:
    """A visitor who decodes a file again and again, each time with another seed."""

    def __init__(self, url: str) -> None:
        self._visitor = Visitor(url)
        photo = self._visitor.upload(PHOTO.read_bytes(), PHOTO.name)
        coded = self._visitor.ask("encode", [photo, 50, 0, None, True, 0])
        self._file = coded["data"][0]
        self._seed = 0

    def seconds(self) -> float:
        """Return the time of one decoding [s]."""
        self._seed += 1
        started = time.monotonic()
        self._visitor.ask("decode", [self._file, "fast", 4, 0, "", str(self._seed), 0, -1, -1])
        return time.monotonic() - started


def _beside(
    program: Program, decoder: _Decoder, name: str, data: bytes, repeats: int
) -> Mapping[str, Any]:
    """Measure the costs of one picture while the other visitor decodes."""
    alone, delays, told = list[float](), list[float](), dict[str, Any]()
    before = _reading_cpu_s(program)
    for index in range(repeats):
        alone.append(decoder.seconds())
        # Bytes at the end make another upload of it, which no reader takes for one it knows.
        sending = threading.Thread(
            target=lambda number=index: told.update(_send(program.url, name, data + bytes(number)))
        )
        sending.start()
        delays.append(decoder.seconds() - alone[-1])
        sending.join()
    return {
        "bytes": len(data),
        "cpu_s": round((_reading_cpu_s(program) - before) / repeats, 2),
        "alone_s": round(statistics.median(alone), 2),
        "delay_s": round(statistics.median(delays), 2),
        "most_delay_s": round(max(delays), 2),
        **told,
    }


def _send(url: str, name: str, data: bytes) -> Mapping[str, Any]:
    started = time.monotonic()
    with Visitor(url) as visitor:
        try:
            output = visitor.ask("receive", [visitor.upload(data, f"{name}.bin")])
        except httpx.HTTPStatusError as error:
            output = {"error": error.response.text}
    answer = output.get("error") or "read"
    return {"answered_after_s": round(time.monotonic() - started, 2), "answer": answer}


_ENDED = dict[int, float]()
"""Computing time of processes, also of those that have ended since [s]."""


def _reading_cpu_s(program: Program) -> float:
    """Return the computing time so far of all processes that read pictures [s]."""
    for process in psutil.Process(program.process.pid).children():
        used = process.cpu_times()
        _ENDED[process.pid] = used.user + used.system
    return sum(_ENDED.values())


if __name__ == "__main__":
    main()
