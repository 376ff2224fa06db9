"""Work on many files that no single file stops.

A worker reads, works and writes, with several files in hand: while the networks work on one,
threads read the next ones and write the last. In this process there is one worker;
:mod:`.processes` and :mod:`.cluster` have many.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from difficmh_core.batch.addresses import without_secrets
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import KEPT_FILES, Target, refusal_of, told_by
from difficmh_core.batch.work import Work
from difficmh_core.errors import ConfigError, DiffICMHError

_logger = logging.getLogger(__name__)

FILES_AHEAD = 2
"""That wait for each worker."""
_N_SHOWN = 3  # names in a refusal


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
        self.n_threads = work.n_threads
        """Files that it can have in hand at once, each in a thread."""

    def do(self, name: str, source: Source) -> Outcome:
        """Work on one file; whatever is wrong with it becomes the reason of the outcome.

        Several threads may call this at once.
        """
        began = time.monotonic()
        try:
            if (refusal := refusal_of(source.name)) is not None:
                return failed(name, source, refusal)
            product = self._do(source.read(self._most_bytes))
            self._target.write(name, product.data)
        except (DiffICMHError, OSError) as error:
            return failed(name, source, str(error) or type(error).__name__)
        except Exception as error:
            _logger.exception("An unexpected error at %s", source.place)
            return failed(name, source, f"unexpected {type(error).__name__}: {error}")
        record = {
            "name": name,
            "source": source.identity,
            "source_version": source.version,
            "n_bytes": len(product.data),
            **product.facts,
            "seconds": round(time.monotonic() - began, 3),
        }
        return Outcome(name=name, place=source.place, record=record)


Item = tuple[str, Source]
"""The name of an output below the target, and its input."""
Begin = Callable[[], None]
"""Called before the first file is given out; to call it again does nothing."""
Execution = Callable[[Work, Target, Mapping[str, Source], Begin], Iterator[Outcome]]
"""Who works, and where: on inputs by the names of their outputs, in any order."""


def in_this_process(
    work: Work, target: Target, todo: Mapping[str, Source], begin: Begin
) -> Iterator[Outcome]:
    """Work here: an :data:`Execution`."""
    worker, waiting, pending = Worker(work, target), deque(todo.items()), set[Future[Outcome]]()
    begin()
    with ThreadPoolExecutor(worker.n_threads) as threads:
        try:
            while waiting or pending:
                while waiting and len(pending) < worker.n_threads + FILES_AHEAD:
                    pending.add(threads.submit(worker.do, *waiting.popleft()))
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # if the consumer has had enough


def run(
    work: Work,
    sources: Mapping[str, Source],
    target: Target,
    *,
    execute: Execution = in_this_process,
    overwrite: bool = False,
) -> Iterator[Outcome]:
    """Work on files, and yield the outcome of each as it is known.

    What is there already, complete and made of the same input, unchanged, with the same settings,
    is left as it is. The journal and the list of failures are written as the work goes on, and at
    its end.

    Args:
        work: What to do.
        sources: The inputs by the names of their outputs.
        target: Where outputs go.
        execute: Who works.
        overwrite: Whether to work on what is there already, too.

    Raises:
        ConfigError: If a setting is out of range, an output was made of another input, or a file
            that no run made has the name of an output.
        DiffICMHError: If the networks cannot be loaded.
        OSError: If the target's folder cannot be read or written to.
    """
    journal, sizes = Journal(target, work.settings()), target.sizes()
    todo, done = dict[str, Source](), list[Outcome]()
    if not overwrite:
        _check_known(sources, sizes, journal, target)
    sizes = {told_by(name): size for name, size in sizes.items()}
    for name, source in sources.items():
        if overwrite:
            todo[name] = source
        elif journal.is_done(name, source, sizes.get(told_by(name))):
            done.append(Outcome(name=name, place=source.place, was_done=True))
        elif told_by(name) in sizes and (other := journal.other_source(name, source)):
            raise ConfigError(
                f"The output {name!r} in {without_secrets(target.address)!r} was made of "
                f"{other!r}, not of {source.place!r}. Choose another folder, or say --overwrite."
            )
        else:
            todo[name] = source
    yield from done
    is_known = not todo

    def begin() -> None:
        journal.begin(todo)

    try:
        for outcome in execute(work, target, todo, begin) if todo else ():
            is_known = True
            if outcome.reason is None:
                journal.add(outcome.record)
            else:
                place = {"name": outcome.name, "source": outcome.place}
                journal.add_failure(place | {"reason": outcome.reason})
            yield outcome
    finally:
        if is_known:  # else nothing was worked on, and the list of the run before still holds
            journal.close()


def _check_known(
    sources: Mapping[str, Source], sizes: Mapping[str, int], journal: Journal, target: Target
) -> None:
    """Refuse to write over files that no run made."""
    there = {told_by(name): name for name in sizes}
    strange = [
        there[told_by(name)]
        for name in sources
        if told_by(name) in there and not journal.is_known(name)
    ]
    if journal.is_new:
        strange += [name for name in KEPT_FILES if name in sizes]
    if strange:
        shown = ", ".join(map(repr, strange[:_N_SHOWN]))
        rest = f" and {len(strange) - _N_SHOWN:,} more" if len(strange) > _N_SHOWN else ""
        raise ConfigError(
            f"Files in {without_secrets(target.address)!r} that no run made would be replaced: "
            f"{shown}{rest}. Choose another folder, or say --overwrite."
        )


def failed(name: str, source: Source, reason: str) -> Outcome:
    """The outcome of a file that nothing came of, for a reason."""
    told = without_secrets(" ".join(reason.split()))
    return Outcome(name=name, place=source.place, reason=told)
