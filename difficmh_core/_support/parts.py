"""Long work in parts: it tells after each how much is done, and can be left between any two.

A part is as long as a caller may have to wait for a sign of life, or for an end that it asked for.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any, TypeAlias, TypeVar

ResultT = TypeVar("ResultT")
StateT = TypeVar("StateT")
Parts: TypeAlias = Generator[float, None, ResultT]
"""Yields how much of the work is done, 0 to 1, and returns its result."""


def result_of(parts: Generator[Any, None, ResultT]) -> ResultT:
    """Do all parts of some work, and return its result."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            result: ResultT = end.value
            return result


def scaled(parts: Parts[ResultT], start: float, share: float) -> Parts[ResultT]:
    """Do work that is a share of other work, of which ``start`` is done before."""
    with closing(parts):
        while True:
            try:
                done = next(parts)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            yield start + share * done


def chained(
    value: ResultT, steps: Sequence[tuple[float, Callable[[ResultT], Parts[ResultT]]]]
) -> Parts[ResultT]:
    """Do steps one after the other, each with what the one before made.

    Args:
        value: What the first step is given.
        steps: What each costs, in any unit, and does.
    """
    total, done = sum(cost for cost, _ in steps), 0.0
    for cost, step in steps:
        value = yield from scaled(step(value), done / total, cost / total)
        done += cost
    return value


def inside(
    states: Generator[StateT, None, ResultT], *modes: Callable[[], AbstractContextManager[Any]]
) -> Generator[StateT, None, ResultT]:
    """Run a generator inside of modes that end whenever it yields: its caller's are its own."""
    with closing(states):
        while True:
            with ExitStack() as entered:
                for mode in modes:
                    entered.enter_context(mode())
                try:
                    state = next(states)
                except StopIteration as end:
                    result: ResultT = end.value
                    return result
            yield state
