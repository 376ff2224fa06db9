"""Commands in processes of their own: how long each takes, and the most memory that it holds."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "disk_gb", "memory_of", "run"]

_EVERY_S = 0.1
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command did.

    Attributes:
        seconds: How long it took [s].
        cpu_seconds: How long processors worked for it, whatever else they had to do [s].
        peak_gb: The most that was in memory, mapped files included [GB].
        own_gb: The most that was its own; the system takes the rest back when it is short [GB].
        code: How it ended, 0 where all went well.
        out: What it printed.
        said: What it said beside that, warnings and errors.
    """

    seconds: float
    cpu_seconds: float
    peak_gb: float
    own_gb: float
    code: int
    out: str
    said: str


def run(command: Sequence[str], folder: Path, log: Path) -> Cost:
    """Run a command to its end.

    Args:
        command: Its words.
        folder: Where it starts.
        log: Beginning of the names of two files, of what it prints and of what it says.
    """
    out, said = log.with_suffix(".out"), log.with_suffix(".err")
    began = time.perf_counter()
    with out.open("wb") as out_file, said.open("wb") as said_file:
        process = subprocess.Popen(command, cwd=folder, stdout=out_file, stderr=said_file)
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.end()
    return Cost(
        seconds=time.perf_counter() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_gb=watch.peak_gb,
        own_gb=watch.own_gb,
        code=process.returncode,
        out=out.read_text(encoding="utf-8", errors="replace"),
        said=said.read_text(encoding="utf-8", errors="replace"),
    )


class _Watch(threading.Thread):
    """Looks at a process's memory again and again.

    What the system tells at its end, ``ru_maxrss``, counts the memory of this process, too, from
    which it was started.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_gb = self.own_gb = 0.0
        self._pid, self._is_over = pid, threading.Event()
        self.start()

    def run(self) -> None:
        """Look until it is over."""
        while not self._is_over.wait(_EVERY_S):
            memory = memory_of(self._pid)
            self.peak_gb = max(self.peak_gb, memory.get("VmHWM", 0.0))
            self.own_gb = max(self.own_gb, memory.get("RssAnon", 0.0))

    def end(self) -> None:
        """Look no longer."""
        self._is_over.set()
        self.join()


def memory_of(pid: int) -> dict[str, float]:
    """What the system says of a process: ``VmHWM``, ``RssAnon`` and others [GB]."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}  # it has just ended
    found = (line.split() for line in lines if line.endswith(" kB"))
    return {words[0].rstrip(":"): int(words[1]) * _KIB / 1e9 for words in found}


def disk_gb(folder: Path) -> float:
    """What the files below a folder take on the disk; holes take nothing [GB]."""
    files = (path.lstat() for path in folder.rglob("*") if path.is_file())
    return sum(status.st_blocks for status in files) * 512 / 1e9
