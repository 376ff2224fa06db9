"""Work on many files in several processes of this machine."""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from dataclasses import dataclass

from difficmh_core.batch.run import Item, Outcome, Worker, failed, finished
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target
from difficmh_core.batch.work import Work, release_networks
from difficmh_core.errors import BackendUnavailableError, ConfigError, DiffICMHError

_AHEAD = 2  # files that wait for each process
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
        self, work: Work, target: Target, todo: Mapping[str, Source]
    ) -> Iterator[Outcome]:
        """Work: an :data:`~difficmh_core.batch.run.Execution`.

        Raises:
            DiffICMHError: If a process cannot load what the work needs.
        """
        release_networks()
        jobs, waiting = min(self.jobs, len(todo)), deque(todo.items())
        while waiting:
            interrupted, n_waited = list[Item](), len(waiting)
            with _processes(work, target, jobs) as pool:
                for item, future in finished(pool, _do, waiting, jobs * (1 + _AHEAD)):
                    if isinstance(future.exception(), BrokenProcessPool):
                        interrupted.append(item)
                    else:
                        yield future.result()
            for item in interrupted:
                with _processes(work, target, 1) as pool:
                    try:
                        yield pool.submit(_do, *item).result()
                    except BrokenProcessPool:
                        yield failed(*item, "The process that worked on it ended, twice.")
            if len(waiting) == n_waited:
                raise BackendUnavailableError(
                    "The processes end before they take a file. Leave --jobs out to see why."
                )


def _processes(work: Work, target: Target, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(work, target, max(1, (os.cpu_count() or 1) // jobs)),
    )


_worker: Worker | DiffICMHError | None = None
"""The worker of a process that was started for the work, or why there is none."""


def _start_worker(work: Work, target: Target, n_threads: int) -> None:
    import torch

    global _worker
    torch.set_num_threads(n_threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _worker = Worker(work, target)
    except DiffICMHError as error:  # a task can hand it over, an initializer cannot
        _worker = error


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(name: str, source: Source) -> Outcome:
    if isinstance(_worker, DiffICMHError):
        raise _worker
    if _worker is None:
        raise AssertionError("the initializer has run")
    return _worker.do(name, source)
