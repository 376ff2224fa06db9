"""The program as a user starts it: ``app.py`` in a process of its own, on a free port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ROOT", "running_program"]

ROOT = Path(__file__).parents[2]
_START_S = 300


@contextmanager
def running_program(folder: Path) -> Iterator[str]:
    """Start the program with nano, yield its address, and end it.

    Args:
        folder: Where its log and the files that it serves go.

    Raises:
        RuntimeError: If it does not start; holds the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | {"GRADIO_TEMP_DIR": str(folder / "served")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(url, process, log)
        yield url
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
