"""A few processes that read pictures, kept warm, and replaced when a picture ends them."""

import io
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from difficmh_core.errors import ImageError, ProgramError
from difficmh_core.picture_pool import messages
from difficmh_core.picture_pool.limits import WorkerLimits
from difficmh_core.picture_pool.reading import PngPicture, check_plain_png

N_WORKERS = 2
MAX_WAIT_S = 60.0
"""How long a picture waits for a worker [s]."""
_START_S = 60.0
"""How long a worker may take to import the decoders [s]."""
_BYTES_PER_PIXEL = 4
"""At most, of a PNG with 3 bytes for each pixel and a byte for each row."""
_SMALLEST_BYTES = 1 << 20
_LOGGER = logging.getLogger(__name__)
_MAX_SENTENCE = 500
_MAX_SIDE_PX = 1 << 30
_TRY_ANOTHER = "Export it again as a JPEG or PNG, or choose another one."


class PicturePool:
    """Reads pictures in other processes, one each at a time; threads may share it.

    The processes get ready while the caller goes on.

    >>> with PicturePool(n_workers=1) as pool:
    ...     pool.read(b"no picture", name="a.jpg", max_pixels=1000)
    Traceback (most recent call last):
        ...
    difficmh_core.errors.ImageError: ...
    """

    def __init__(self, *, n_workers: int = N_WORKERS, limits: WorkerLimits | None = None) -> None:
        self._limits = limits or WorkerLimits()
        self._free: queue.Queue[_Worker] = queue.Queue()
        self._is_open = True
        for _ in range(n_workers):
            self._free.put(self._new_worker())

    def read(self, data: bytes, *, name: str, max_pixels: int) -> PngPicture:
        """Return the picture in a file as a PNG.

        Args:
            data: The file.
            name: How messages call it.
            max_pixels: Most pixels to accept.

        Raises:
            ImageError: If it is damaged, no picture, too large, or takes more time or memory
                than there is for one picture.
            ProgramError: If no worker can be started, or none is free for a minute.
        """
        with self._borrowed() as worker:
            most = _SMALLEST_BYTES + _BYTES_PER_PIXEL * max_pixels
            facts, png = worker.ask({"name": name, "max_pixels": max_pixels}, data, most)
        if "refused" in facts:
            raise ImageError(str(facts["refused"])[:_MAX_SENTENCE])
        picture = _picture_of(facts, png)
        check_plain_png(picture.png, picture.size_px, max_pixels)
        return picture

    def close(self) -> None:
        """End all processes; whoever still waits for one gets a :class:`ProgramError`."""
        self._is_open = False
        while not self._free.empty():
            self._free.get_nowait().end()

    def __enter__(self) -> "PicturePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _borrowed(self) -> Iterator["_Worker"]:
        """Lend a worker; one that is not fit for another picture is replaced."""
        worker = self._next_free()
        try:
            yield worker
        finally:
            if not worker.is_fit:
                worker.end()
                worker = self._new_worker()
            self._free.put(worker)
            if not self._is_open:
                self.close()

    def _next_free(self) -> "_Worker":
        """Wait for a worker; raises as :meth:`read`."""
        for _ in range(round(MAX_WAIT_S)):
            if not self._is_open:
                raise ProgramError("The pool that reads images is closed. Open another one.")
            try:
                return self._free.get(timeout=1.0)
            except queue.Empty:
                continue
        raise ProgramError(
            f"No process was free to read the image within {MAX_WAIT_S:.0f} s. "
            "Try again in a minute."
        )

    def _new_worker(self) -> "_Worker":
        worker = _Worker(self._limits)
        try:
            worker.start()
        except ProgramError as error:
            _LOGGER.warning("%s It is tried again with the next image.", error)
        return worker


class _Worker:
    """One process; used by one thread at a time."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._n_pictures = 0
        self._is_ready = False
        self._is_broken = False

    @property
    def is_fit(self) -> bool:
        """Whether it may read another picture."""
        return not self._is_broken and self._n_pictures < self._limits.max_pictures

    def start(self) -> None:
        """Start the process, which gets ready while the caller goes on.

        Raises:
            ProgramError: If the system starts no more.
        """
        arguments = json.dumps(asdict(self._limits))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "difficmh_core.picture_pool.worker", arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_ENVIRONMENT,
                cwd=Path(__file__).parents[2],
                # Ctrl-C ends the program, which then ends its workers. Not a session of its own:
                # Linux gives each session the same share, however far a process steps back.
                process_group=None if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise ProgramError(
                f"No process that reads images can be started: {error.strerror}. "
                "Try again in a minute."
            ) from error

    def ask(
        self, facts: dict[str, Any], data: bytes, max_bytes: int
    ) -> tuple[dict[str, Any], bytes]:
        """Wait for the answer of the process.

        Raises:
            ImageError: If the picture ends it.
            ProgramError: If it does not start.
        """
        if self._process is None or self._process.poll() is not None:  # it died meanwhile
            self.end()
            self.start()
            self._is_ready = False
        self._is_broken = True  # until it has answered in full
        self._await_ready()
        self._n_pictures += 1
        with self._ended_after(self._limits.wall_s) as is_late:
            try:
                messages.send(self._told, facts, data)
                answer, png = messages.receive(self._answers, max_bytes)
            except (OSError, EOFError, ValueError) as error:
                raise ImageError(self._reason(is_late=is_late.is_set())) from error
        if "lacks" in answer:
            raise ImageError(_LACKS_MEMORY.format(most=self._limits.memory_bytes / 1e9))
        self._is_broken = is_late.is_set()  # it may have been ended just after it answered
        return answer, png

    def end(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._kill()
        for stream in (self._told, self._answers):
            try:
                stream.close()
            except BrokenPipeError:  # the rest of a picture that nobody reads
                continue
        self._process.wait()

    def _await_ready(self) -> None:
        if self._is_ready:
            return
        with self._ended_after(_START_S):
            try:
                ready, _ = messages.receive(self._answers, 0)
            except (EOFError, ValueError) as error:
                raise ProgramError(
                    "The process that reads images does not start. Run "
                    "`python -m difficmh_core.picture_pool.worker '{}'` to see why."
                ) from error
        self._is_ready = True
        if not ready.get("is_filtered"):
            _LOGGER.warning("Processes that read images run without a filter of system calls.")

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[threading.Event]:
        """End the process after a while; the event tells that it came to that."""
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            self._kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()

    def _reason(self, *, is_late: bool) -> str:
        """Say in a sentence what ended the process."""
        self._kill()  # it may have said what it must not
        code = self._running.wait()
        _LOGGER.warning("A process that reads images ended with code %s", code)
        if is_late or (hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU):
            most = self._limits.wall_s
            return f"The image takes more than {most:.0f} s to read. {_TRY_ANOTHER}"
        return f"The image makes its decoder fail. {_TRY_ANOTHER}"

    def _kill(self) -> None:
        """End the process, and whatever it may have started."""
        if sys.platform == "win32":
            self._running.kill()
        elif self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGKILL)

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        return cast("subprocess.Popen[bytes]", self._process)

    @property
    def _told(self) -> io.BufferedIOBase:
        return cast(io.BufferedIOBase, self._running.stdin)

    @property
    def _answers(self) -> io.BufferedIOBase:
        return cast(io.BufferedIOBase, self._running.stdout)


_NEEDED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT", "TEMP")
_LACKS_MEMORY = (
    "The image takes more than {most:.1f} GB of memory to read. Scale it down, or export it "
    "again as a JPEG or PNG."
)
_ENVIRONMENT = {
    **{name: os.environ[name] for name in _NEEDED if name in os.environ},
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MALLOC_ARENA_MAX": "2",
}
"""No passwords and keys of the host. Threads that do not help here would reserve address space."""


def _picture_of(facts: dict[str, Any], png: bytes) -> PngPicture:
    """Check the form of what a worker told."""
    try:
        height, width = facts["size_px"]
        notes = tuple(str(note)[:_MAX_SENTENCE] for note in facts["notes"][:8])
        name = str(facts["format_name"])[:40]
    except (KeyError, TypeError, ValueError) as error:
        raise ImageError(f"The image makes its decoder fail. {_TRY_ANOTHER}") from error
    if not all(isinstance(side, int) and 0 < side < _MAX_SIDE_PX for side in (height, width)):
        raise ImageError(f"The image makes its decoder fail. {_TRY_ANOTHER}")
    return PngPicture(png=png, size_px=(height, width), format_name=name, notes=notes)
