"""How far the coding or decoding of a picture is, and how long the rest will take.

The codec tells after each part of a stage how much of it is done. A :class:`Forecast` knows how
much there is of each stage, and learns from what is done how long the rest will take.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from PIL import Image

from difficmh_core._support.parts import Parts
from difficmh_core.config.stages import TWO_CORES, Load, Pace, Stage

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of a stage is done.

    Attributes:
        stage: The one under way; those before it are done.
        share: 0 to 1.
    """

    stage: Stage
    share: float


Work: TypeAlias = Generator[Progress, None, ResultT]
"""Yields how far it is, and returns its result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodeStep:
    """The state of decoding after one step.

    Attributes:
        index: Steps done so far, 1 to ``total``.
        total: Number of steps in all.
        image: The finished picture on the last step, ``None`` before.
        preview: Returns a small picture of the state, an eighth of the size, cheaply.
    """

    index: int
    total: int
    image: Image.Image | None
    preview: Callable[[], Image.Image] = field(repr=False)


def told(stage: Stage, parts: Parts[ResultT]) -> Work[ResultT]:
    """Do the parts of a stage."""
    with closing(parts):
        while True:
            try:
                share = next(parts)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            yield Progress(stage=stage, share=share)


class Forecast:
    """How much of some work is done, and how long the rest will take.

    What the stages before took, against what they should have taken, corrects what the others are
    expected to take; so does the stage under way, the more of it is done.
    """

    def __init__(self, load: Load, pace: Pace = TWO_CORES) -> None:
        """Expect work.

        Args:
            load: How much there is of each stage, in order.
            pace: How long a unit of each takes.
        """
        self.expected_s: Mapping[Stage, float] = {
            stage: amount * pace[stage] for stage, amount in load.items()
        }
        self._load = load
        self._done: dict[Stage, float] = {}
        self._took_s: dict[Stage, float] = {}
        self._last_s = 0.0

    @property
    def total_s(self) -> float:
        """How long all of it is expected to take [s]."""
        return sum(self.expected_s.values())

    def note(self, progress: Progress, seconds: float) -> None:
        """Learn how far the work is, after how many seconds since it began."""
        stage = progress.stage
        self._took_s[stage] = self._took_s.get(stage, 0.0) + seconds - self._last_s
        self._done[stage] = progress.share
        self._last_s = seconds

    @property
    def done_s(self) -> float:
        """What is done, in seconds that it was expected to take [s]."""
        return sum(self.expected_s.get(stage, 0.0) * done for stage, done in self._done.items())

    @property
    def share(self) -> float:
        """How much of all is done, 0 to 1."""
        return min(self.done_s / self.total_s, 1.0) if self.total_s else 0.0

    @property
    def left_s(self) -> float:
        """How long the rest will take [s]."""
        done_s = self.done_s
        expected_s = max(self.total_s - done_s, 0.0)
        if done_s <= 0:
            return expected_s
        factor = (sum(self._took_s.values()) + _PRIOR_S) / (done_s + _PRIOR_S)
        return expected_s * factor

    @property
    def learned(self) -> dict[Stage, float]:
        """How long a unit of each stage that is done has taken [s]."""
        return {
            stage: self._took_s[stage] / self._load[stage]
            for stage, done in self._done.items()
            if done >= 1 and self._load.get(stage, 0.0) > 0
        }


_PRIOR_S = 0.5
"""How much the pace known before counts against what is seen of the work itself [s]."""
