"""How the page ends: at once when asked to, with nothing half-written and nothing left behind."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

from difficmh_core.ui.runtime import worker

GRACE_S = 3.0
"""So long may answers that are under way take [s]."""


def until_asked_to_end() -> None:
    """Wait for Ctrl-C, or for the system to end the process (SIGINT, SIGTERM)."""
    asked = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    while not asked.wait(timeout=1.0):  # a wait without an end takes no signal on Windows
        continue


def end(close: Callable[..., None]) -> None:
    """Close the page; work under way ends with its step, or with the process."""
    worker.stop()
    closing = threading.Thread(target=close, kwargs={"verbose": False}, daemon=True)
    closing.start()
    closing.join(GRACE_S)
