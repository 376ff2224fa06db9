"""Work that waits after a step until a test lets it go on, so that the test acts in the middle."""

import threading
from collections.abc import Iterator
from typing import TypeVar

from difficmh_core.codec import DiffICMHCodec

__all__ = ["Gate", "GatedCodec"]

Step = TypeVar("Step")
_LONGEST_S = 120.0


class Gate:
    """Open at first; counts the steps that pass."""

    def __init__(self) -> None:
        self.n_steps = 0
        self._index: int | None = None
        self._permits = threading.Semaphore(0)

    def close_after(self, index: int) -> None:
        """From now on, each run waits after its step of this number; count anew."""
        self._permits = threading.Semaphore(0)
        self._index, self.n_steps = index, 0

    def let_one_go(self) -> None:
        """Let the run that waits go on."""
        self._permits.release()

    def open(self) -> None:
        """Let all go on, those to come as well."""
        self._index = None
        self._permits.release(10)

    def passing(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps, one by one; the wait comes once a step has been shown."""
        for index, step in enumerate(steps, 1):
            self.n_steps += 1
            yield step
            if index == self._index:
                self._permits.acquire(timeout=_LONGEST_S)


class GatedCodec(DiffICMHCodec):
    """A codec whose decodings pass a gate."""

    gate = Gate()

    def decode(self, *args, **kwargs):
        return self.gate.passing(super().decode(*args, **kwargs))
