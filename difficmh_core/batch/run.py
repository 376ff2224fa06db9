"""Work on many files, in this process or several, that no single file stops.

Each worker reads, works and writes; two of its threads overlap the reading and writing of one file
with the work on another.
"""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from difficmh_core.batch.journal import Journal
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target, leads_out
from difficmh_core.batch.work import Work
from difficmh_core.errors import DiffICMHError

_logger = logging.getLogger(__name__)

_N_THREADS = 2
_AHEAD = 2  # files that wait for each worker
_Item = tuple[str, Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: The output's name below the target.
        place: Where the input is.
        reason: Why it failed, in one line; ``None`` if it did not.
        was_done: Whether an earlier run had finished it.
        record: What the journal keeps of it; empty if it failed or was done.
    """

    name: str
    place: str
    reason: str | None = None
    was_done: bool = False
    record: dict[str, Any] = field(default_factory=dict)


class Worker:
    """Reads files, works on them and writes what comes of it."""

    def __init__(self, work: Work, target: Target) -> None:
        """Load what the work needs.

        Raises:
            DiffICMHError: If it cannot be loaded.
        """
        self._do = work.load()
        self._most_bytes = work.most_bytes
        self._target = target
        self._turn = threading.Lock()

    def do(self, name: str, source: Source) -> Outcome:
        """Work on one file; whatever is wrong with it becomes the reason of the outcome."""
        began = time.monotonic()
        try:
            if leads_out(source.name):
                raise OSError("its name leads out of the output's folder")
            data = source.read(self._most_bytes)
            with self._turn:
                product = self._do(data)
            self._target.write(name, product.data)
        except (DiffICMHError, OSError) as error:
            return _failed(name, source, str(error) or type(error).__name__)
        except Exception as error:
            _logger.exception("An unexpected error at %s", source.place)
            return _failed(name, source, f"unexpected {type(error).__name__}: {error}")
        record = {
            "name": name,
            "source": source.place,
            "n_bytes": len(product.data),
            **product.facts,
            "seconds": round(time.monotonic() - began, 3),
        }
        return Outcome(name=name, place=source.place, record=record)


Execution = Callable[[Work, Target, Mapping[str, Source]], Iterator[Outcome]]
"""Who works, and where: on inputs by the names of their outputs, in any order."""


def run(
    work: Work,
    sources: Mapping[str, Source],
    target: Target,
    *,
    execute: Execution | None = None,
    overwrite: bool = False,
) -> Iterator[Outcome]:
    """Work on files, and yield the outcome of each as it is known.

    What is there already, complete and made with the same settings, is left as it is. The journal
    and the list of failures are written as the work goes on, and at its end.

    Args:
        work: What to do.
        sources: The inputs by the names of their outputs.
        target: Where outputs go.
        execute: Who works; ``None`` is this process.
        overwrite: Whether to work on what is there already, too.

    Raises:
        DiffICMHError: If the networks cannot be loaded.
        OSError: If the target's folder cannot be read or written to.
    """
    journal, sizes, settings = Journal(target), target.sizes(), work.settings()
    todo = dict[str, Source]()
    for name, source in sources.items():
        if not overwrite and journal.is_done(name, settings, sizes.get(name)):
            yield Outcome(name=name, place=source.place, was_done=True)
        else:
            todo[name] = source
    try:
        for outcome in (execute or in_this_process)(work, target, todo) if todo else ():
            if outcome.reason is None:
                journal.add(outcome.record | {"settings": settings})
            else:
                place = {"name": outcome.name, "source": outcome.place}
                journal.add_failure(place | {"reason": outcome.reason})
            yield outcome
    finally:
        journal.write()


def in_this_process(work: Work, target: Target, todo: Mapping[str, Source]) -> Iterator[Outcome]:
    """Work here: an :data:`Execution`."""
    worker = Worker(work, target)
    with ThreadPoolExecutor(_N_THREADS) as threads:
        for _, outcome in _bounded(
            lambda item: threads.submit(worker.do, *item), todo.items(), _N_THREADS + _AHEAD
        ):
            yield outcome.result()


@dataclass(frozen=True, slots=True)
class InProcesses:
    """Work in several processes; a file at which one ends is tried once more, by itself.

    Attributes:
        jobs: Number of processes, at least 1.
    """

    jobs: int

    def __call__(
        self, work: Work, target: Target, todo: Mapping[str, Source]
    ) -> Iterator[Outcome]:
        """Work: an :data:`Execution`."""
        jobs, waiting = min(self.jobs, len(todo)), list(todo.items())
        while waiting:
            interrupted, submitted, waiting = list[_Item](), iter(waiting), []
            with _processes(work, target, jobs) as pool:
                for item, future in _bounded(_submitter(pool), submitted, jobs * (1 + _AHEAD)):
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        interrupted.append(item)
                        waiting = waiting or list(submitted)
            for item in interrupted:
                with _processes(work, target, 1) as pool:
                    try:
                        yield pool.submit(_do, *item).result()
                    except BrokenProcessPool:
                        yield _failed(*item, "The process that worked on it ended, twice.")


def _failed(name: str, source: Source, reason: str) -> Outcome:
    return Outcome(name=name, place=source.place, reason=" ".join(reason.split()))


def _bounded(
    submit: Callable[[_Item], "Future[Outcome]"], items: Iterable[_Item], most: int
) -> Iterator[tuple[_Item, "Future[Outcome]"]]:
    """Submit items, never more than some at once, and yield each when it is finished."""
    pending = dict["Future[Outcome]", _Item]()
    for item in items:
        pending[submit(item)] = item
        if len(pending) >= most:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future
    for future in list(pending):
        wait([future])
        yield pending[future], future


def _submitter(pool: ProcessPoolExecutor) -> Callable[[_Item], "Future[Outcome]"]:
    return lambda item: pool.submit(_do, *item)


def _processes(work: Work, target: Target, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(work, target, max(1, (os.cpu_count() or 1) // jobs)),
    )


_worker: Worker | None = None
"""The worker of a process that was started for the work."""


def _start_worker(work: Work, target: Target, n_threads: int) -> None:
    import torch

    global _worker
    torch.set_num_threads(n_threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(work, target)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(name: str, source: Source) -> Outcome:
    if _worker is None:
        raise AssertionError("the initializer has run")
    return _worker.do(name, source)
