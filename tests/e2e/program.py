"""The program as a user starts it: ``app.py`` in a process of its own, on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Program", "running_program"]

ROOT = Path(__file__).parents[2]
_START_S = 300


@dataclass(frozen=True)
class Program:
    """A running program.

    Attributes:
        url: Its address.
        process: To be watched, or ended.
        served: The folder in which it makes its own for visitors' files.
    """

    url: str
    process: subprocess.Popen[bytes]
    served: Path


@contextmanager
def running_program(
    folder: Path,
    words: Sequence[str] = ("app.py",),
    served: Path | None = None,
    *,
    python: str = sys.executable,
    cwd: Path = ROOT,
) -> Iterator[Program]:
    """Start the program, by default with nano, and end it.

    Args:
        folder: Where its log and the files that it serves go.
        words: What Python is told, before the port.
        served: Where the files that it serves go instead.
        python: Which Python.
        cwd: In which folder it starts.

    Raises:
        RuntimeError: If it does not start; holds the end of its log.
    """
    served = served or folder / "served"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, *words, "--port", str(port)],
            cwd=cwd,
            env=os.environ | {"GRADIO_TEMP_DIR": str(served)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(url, process, log)
        yield Program(url, process, served)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_START_S):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(1)
        else:
            return
    raise RuntimeError(f"The program did not start: {log.read_text()[-2000:]}")
