"""Work on many files in several processes of this machine."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from difficmh_core.batch.run import FILES_AHEAD, Begin, Item, Outcome, Worker, failed
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target
from difficmh_core.batch.work import Work, release_networks
from difficmh_core.errors import BackendUnavailableError, ConfigError, DiffICMHError

_MOST_JOBS = 61 if sys.platform == "win32" else sys.maxsize
"""Windows waits for no more: https://docs.python.org/3/library/concurrent.futures.html"""


@dataclass(frozen=True, slots=True)
class InProcesses:
    """Work in several processes; a file at which one ends is tried once more, by itself.

    Attributes:
        jobs: Number of processes, at least 1.
    """

    jobs: int

    def __post_init__(self) -> None:
        """Refuse more processes than the system takes.

        Raises:
            ConfigError: If there are more.
        """
        if self.jobs > _MOST_JOBS:
            raise ConfigError(
                f"--jobs is {self.jobs}, but Windows takes at most {_MOST_JOBS}. Give that many."
            )

    def __call__(
        self, work: Work, target: Target, todo: Mapping[str, Source], begin: Begin
    ) -> Iterator[Outcome]:
        """Work: an :data:`~difficmh_core.batch.run.Execution`.

        Raises:
            DiffICMHError: If a process cannot load what the work needs.
        """
        release_networks()
        jobs, waiting, interrupted = min(self.jobs, len(todo)), deque(todo.items()), deque[Item]()
        most = work.n_threads + FILES_AHEAD
        yield from _outcomes(work, target, jobs, most, waiting, interrupted, begin)
        twice = deque[Item]()
        yield from _outcomes(work, target, 1, 1, interrupted, twice, begin)
        for item in twice:
            yield failed(*item, "The process that worked on it ended, twice.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Process:
    """A process that works.

    Attributes:
        process: Itself.
        number: Its place among those that work at once, from 0.
        connection: Takes items to it, and outcomes from it.
        in_hand: The items it was given and has not told of, by their names.
    """

    process: BaseProcess
    number: int
    connection: Connection
    in_hand: dict[str, Item] = field(default_factory=dict)


def _outcomes(
    work: Work,
    target: Target,
    jobs: int,
    most: int,
    waiting: deque[Item],
    ended: deque[Item],
    begin: Begin,
) -> Iterator[Outcome]:
    """Give items to processes until none waits, and yield the outcomes.

    Args:
        work: What to do.
        target: Where outputs go.
        jobs: How many processes work at once.
        most: How many items a process has in hand.
        waiting: The items; each leaves it.
        ended: Gets the items at which a process ended.
        begin: Called before the first item is given.
    """
    if not waiting:
        return
    at_work = [_started(work, target, number, jobs) for number in range(jobs)]
    ready = set[Connection]()
    try:
        while at_work:
            if ready:
                begin()
            for each in [each for each in at_work if each.connection in ready]:
                while waiting and len(each.in_hand) < most:
                    item = waiting.popleft()
                    each.in_hand[item[0]] = item
                    with suppress(OSError):  # it has ended, as the next lines will find
                        each.connection.send(item)
                if not each.in_hand:
                    at_work.remove(each)
                    _stop(each)
            for each in _that_tell(at_work):
                try:
                    told = each.connection.recv()
                except (EOFError, OSError):
                    at_work.remove(each)
                    _stop(each)
                    ended.extend(each.in_hand.values())
                    if waiting and each.connection in ready:  # it could load what it needs
                        at_work.append(_started(work, target, each.number, jobs))
                    continue
                if isinstance(told, DiffICMHError):
                    raise told
                if told is None:
                    ready.add(each.connection)
                else:
                    del each.in_hand[told.name]
                    yield told
        if waiting:
            raise BackendUnavailableError(
                "The processes end before they take a file. Leave --jobs out to see why."
            )
    finally:
        for each in at_work:
            each.process.terminate()
            _stop(each)


def _started(work: Work, target: Target, number: int, jobs: int) -> _Process:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    n_threads = max(1, (os.cpu_count() or 1) // jobs)
    process = context.Process(target=_work, args=(theirs, work, target, number, n_threads))
    process.start()
    theirs.close()  # else its end would not close the connection
    return _Process(process=process, number=number, connection=ours)


def _that_tell(at_work: list[_Process]) -> list[_Process]:
    """Wait until a process tells something, or ends."""
    if not at_work:
        return []
    found = set(wait([each.connection for each in at_work]))
    return [each for each in at_work if each.connection in found]


def _stop(each: _Process) -> None:
    each.connection.close()
    each.process.join()


def _work(connection: Connection, work: Work, target: Target, number: int, n_threads: int) -> None:
    """Work in this process, which was started for it, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the process that started this one
    import torch

    torch.set_num_threads(n_threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        worker = Worker(work.at(number), target)
    except DiffICMHError as error:
        connection.send(error)
        return
    connection.send(None)
    telling = threading.Lock()

    def do(item: Item) -> None:
        outcome = worker.do(*item)
        with telling:
            connection.send(outcome)

    with ThreadPoolExecutor(worker.n_threads) as threads, suppress(EOFError):
        while True:
            threads.submit(do, connection.recv())


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
