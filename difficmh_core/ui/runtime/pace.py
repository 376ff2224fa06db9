"""How fast this machine is: estimates before work begins, which learn from the work itself."""

import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from difficmh_core.config.stages import TWO_CORES, Load, Pace, Stage
from difficmh_core.workload import Forecast, Progress, ResultT, Work

StateT = TypeVar("StateT")
TOLD_S = 0.25
"""How often a visitor is told how far work is, at most [s]."""
LEAST_TOLD_S = 1.5
"""Work that is expected to be shorter ends before anybody would look at its bar [s]."""
_NEW_WEIGHS = 0.5
"""How much what was measured last counts against all before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """How far work is.

    Attributes:
        stage: What is being done.
        share: How much of all is done, 0 to 1.
        left_s: How long the rest will take [s].
    """

    stage: Stage
    share: float
    left_s: float


class LearnedPace:
    """How long each stage takes on this machine; threads may share it."""

    def __init__(self, pace: Pace = TWO_CORES) -> None:
        self._pace = dict(pace)
        self._measured = set[Stage]()
        self._lock = threading.Lock()

    def estimate_s(self, *loads: Load) -> float:
        """Estimate how long some work will take [s]."""
        return sum(self.forecast(load).total_s for load in loads)

    def forecast(self, load: Load) -> Forecast:
        """Expect work at the pace that is known by now."""
        with self._lock:
            pace, ratio = dict(self._pace), self._ratio()
        for stage in pace.keys() - self._measured:  # as much slower or faster as what was measured
            pace[stage] *= ratio
        return Forecast(load, pace)

    def learn(self, forecast: Forecast) -> None:
        """Learn from work that was done."""
        with self._lock:
            for stage, seconds in forecast.learned.items():
                weight = _NEW_WEIGHS if stage in self._measured else 1.0
                self._pace[stage] += weight * (seconds - self._pace[stage])
                self._measured.add(stage)

    def timed(
        self, forecast: Forecast, states: Generator[StateT | Progress, None, ResultT]
    ) -> Generator[StateT | Working, None, ResultT]:
        """Pass on the states of some work, and tell now and then how far it is."""
        started = told = time.monotonic()
        with closing(states):
            while True:
                try:
                    state = next(states)
                except StopIteration as end:
                    result: ResultT = end.value
                    return result
                now = time.monotonic()
                if not isinstance(state, Progress):
                    yield state
                    continue
                forecast.note(state, now - started)
                if now - told >= TOLD_S:
                    told = now
                    yield Working(stage=state.stage, share=forecast.share, left_s=forecast.left_s)

    def run(self, work: Work[ResultT], load: Load) -> Generator[Working, None, ResultT]:
        """Do work; tell how far it is where it is long, and learn from it."""
        forecast = self.forecast(load)
        if forecast.total_s >= LEAST_TOLD_S:
            yield Working(stage=next(iter(load)), share=0.0, left_s=forecast.total_s)
        result = yield from self.timed(forecast, work)
        self.learn(forecast)
        return result

    def _ratio(self) -> float:
        """How much longer than expected all that was measured takes."""
        if not self._measured:
            return 1.0
        expected = sum(TWO_CORES[stage] for stage in self._measured)
        return sum(self._pace[stage] for stage in self._measured) / expected
