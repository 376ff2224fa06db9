"""What a run has done, kept beside its outputs, so that the next run goes on from there.

``.difficmh/`` in the output's folder holds the records of finished files in parts that are each
written whole: storage such as S3 cannot add to a file. A line of a part is either the settings
that the files after it were made with, or the record of one file, as JSON. ``failures.jsonl``
names what failed in the last run.

A long run writes many parts, and the next one would read them one by one. So a run merges small
parts when it starts and when it ends: what it has read goes into a new part, and once that is
there the old ones are removed. Whatever is killed in between leaves records twice, never none, and
another run at the same time at most finds a part gone, whose records it then reads elsewhere. Of
two records of one file the later one counts, wherever it stands: each says when it was made.

Records come after their files, up to a minute later. So that a file of a killed run is never taken
for an older one of the same name and size, a run first writes down all names that it is about to
write, in one part: what earlier records say of these names no longer counts.
"""

import errno
import json
import logging
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, NamedTuple

from difficmh_core.batch.addresses import without_secrets
from difficmh_core.batch.journal_parts import (
    TIME,
    Line,
    Part,
    Record,
    content_of,
    data_of,
    digest_of,
    failures_in,
    lines_of_names,
)
from difficmh_core.batch.sources import JOURNAL_NAME, Source
from difficmh_core.batch.targets import FAILURES_NAME, Target

_logger = logging.getLogger(__name__)

_MOST_RECORDS = 1000  # of a part that a run writes as it goes on
_LONGEST_S = 60.0  # that a finished file stays out of the journal
_MOST_MERGED = 100_000  # records of a merged part, some 30 MB
_FEW_PARTS = 8  # that are left as they are
_N_READERS = 16  # parts read at once, for storage that answers slowly


class _Done(NamedTuple):
    source: str
    n_bytes: int
    version: str | None
    settings: str
    time_ns: int


class Journal:
    """The records of a target; the files themselves are what counts."""

    def __init__(self, target: Target, settings: Mapping[str, Any]) -> None:
        """Read what earlier runs did.

        Args:
            target: Where outputs go.
            settings: Everything that decides an output's bytes in this run.

        Raises:
            OSError: If the target cannot be read or written to.
        """
        self._target = target
        self._settings = digest_of(settings)
        self._head = json.dumps({"settings": settings})
        self._unwritten = list[Record]()
        self._failures = dict[str, Record]()  # by names; of an earlier run until tried again
        self._done = dict[str, _Done]()
        self._begun = dict[str, int]()  # names that runs were about to write, and when [ns]
        self._plan: tuple[str, Collection[str]] | None = None  # this run's part, and its names
        self._last_ns = 0
        self._n_records = dict[str, int]()  # by parts that were read or written
        self._run = f"{time.time_ns():020d}-{secrets.token_hex(4)}"  # no two runs have one name
        self._n_parts = 0
        self._catch_up()
        self._merge()
        self._written_at = time.monotonic()

    def is_done(self, name: str, source: Source, n_bytes: int | None) -> bool:
        """Tell whether a file is complete and was made of this source with this run's settings.

        Args:
            name: The output's name.
            source: Its input.
            n_bytes: Its size, or ``None`` if there is no such file [bytes].
        """
        done = self._done.get(name)
        if done is None or self._is_open(name):
            return False
        is_same = done.version in (None, source.version)
        found = (done.source, done.n_bytes, done.settings)
        return is_same and found == (source.identity, n_bytes, self._settings)

    @property
    def is_new(self) -> bool:
        """Whether no run has written anything here yet."""
        return not self._n_records

    def is_known(self, name: str) -> bool:
        """Tell whether a run has written a file of this name, or was about to."""
        return name in self._done or name in self._begun

    def other_source(self, name: str, source: Source) -> str | None:
        """The input that an output was made of, if it was another one."""
        done = self._done.get(name)
        return None if done is None or done.source == source.identity else done.source

    def begin(self, names: Collection[str]) -> None:
        """Write down once which files this run is about to write, before it writes the first.

        Failures of an earlier run stay in the list until their files were tried again.

        Raises:
            OSError: If the target cannot be read or written to.
        """
        if self._plan is not None:
            return
        data = self._data_of(FAILURES_NAME) or b""
        self._failures = {
            name: failure for name, failure in failures_in(data).items() if name in names
        }
        begun = dict.fromkeys(names, self._next_ns())
        self._begun |= begun
        self._plan = self._write_part([], begun), names

    def add(self, record: Record) -> None:
        """Note a finished file."""
        self._unwritten.append({**record, TIME: self._next_ns()})
        self._failures.pop(record["name"], None)
        self._write_if_due()

    def add_failure(self, failure: Record) -> None:
        """Note a failed file: its ``name``, where it is, and the ``reason`` in one line."""
        self._failures[failure["name"]] = failure
        self._write_if_due()

    def close(self) -> None:
        """Write what was not written yet, and merge small parts.

        Raises:
            OSError: If the target cannot be written to.
        """
        self._write()
        if self._plan is not None:
            part, names = self._plan
            if not any(map(self._is_open, names)):
                self._target.remove(f"{JOURNAL_NAME}/{part}")
                self._n_records.pop(part, None)
        self._merge()

    def records(self) -> Iterator[list[Record]]:
        """Yield the records of finished files in lists, each file's latest only."""
        read, given = set[str](), set[str]()
        while parts := sorted(self._target.sizes(JOURNAL_NAME).keys() - read):
            read.update(parts)
            for _, content in self._read(parts):
                latest = dict[str, Record]()
                for line in content.lines:
                    name = line.record["name"]
                    if name not in given and self._is_latest(line.record):
                        latest[name] = line.record
                given.update(latest)
                yield list(latest.values())

    def _write(self) -> None:
        if self._unwritten:
            self._write_part([self._head, *map(json.dumps, self._unwritten)])
            for record in self._unwritten:
                self._note(record, self._settings)
            self._unwritten = []
        if self._failures:
            self._target.write(FAILURES_NAME, data_of(map(json.dumps, self._failures.values())))
        else:
            self._target.remove(FAILURES_NAME)
        self._written_at = time.monotonic()

    def _write_if_due(self) -> None:
        is_late = time.monotonic() - self._written_at > _LONGEST_S
        if is_late or len(self._unwritten) >= _MOST_RECORDS:
            self._write()

    def _write_part(self, lines: Sequence[str], begun: Mapping[str, int] | None = None) -> str:
        part = f"{self._run}-{self._n_parts:06d}.jsonl"
        data = data_of(chain(lines, lines_of_names(begun or {})))
        self._target.write(f"{JOURNAL_NAME}/{part}", data)
        self._n_parts += 1
        self._n_records[part] = len(lines)
        return part

    def _next_ns(self) -> int:
        self._last_ns = max(self._last_ns + 1, time.time_ns())  # also if the clock was put back
        return self._last_ns

    def _is_open(self, name: str) -> bool:
        """Tell whether a run was about to write a file, and no later record tells what it is."""
        done = self._done.get(name)
        return name in self._begun and (done is None or done.time_ns < self._begun[name])

    def _note_begun(self, begun: Mapping[str, int]) -> None:
        for name, time_ns in begun.items():
            self._last_ns = max(self._last_ns, time_ns)
            self._begun[name] = max(self._begun.get(name, 0), time_ns)

    def _note(self, record: Record, settings: str) -> None:
        if self._is_latest(record):
            time_ns = record[TIME]
            self._last_ns = max(self._last_ns, time_ns)
            version = record.get("source_version")
            done = _Done(record["source"], record["n_bytes"], version, settings, time_ns)
            self._done[record["name"]] = done

    def _is_latest(self, record: Record) -> bool:
        done = self._done.get(record["name"])
        return done is None or bool(record[TIME] >= done.time_ns)

    def _catch_up(self) -> None:
        """Read all parts that were not read yet."""
        gone = set[str]()
        while True:
            listed = self._target.sizes(JOURNAL_NAME).keys()
            self._n_records = {part: n for part, n in self._n_records.items() if part in listed}
            new = sorted(listed - self._n_records.keys() - gone)
            gone.update(new)
            for part, content in self._read(new):
                for line in content.lines:
                    self._note(line.record, line.settings)
                self._note_begun(content.begun)
                self._n_records[part] = len(content.lines)
                gone.remove(part)
            if not gone.intersection(new):
                return  # else another run has merged some meanwhile: look again

    def _merge(self) -> None:
        """Put small parts together: first what they hold is written, then they are removed."""
        if self._n_small() <= _FEW_PARTS:
            return
        self._catch_up()  # what others wrote, too
        groups = [list[str]()]
        n_records = 0
        for part, n in sorted(self._n_records.items()):
            if not _is_small(n):
                continue
            if n_records + n > _MOST_MERGED:
                groups.append([])
                n_records = 0
            groups[-1].append(part)
            n_records += n
        for group in groups:
            if len(group) > 1:
                self._merge_group(group)

    def _n_small(self) -> int:
        return sum(map(_is_small, self._n_records.values()))

    def _merge_group(self, parts: Sequence[str]) -> None:
        latest, read, begun = dict[str, Line](), list[str](), dict[str, int]()
        for part, content in self._read(parts):
            read.append(part)
            for line in content.lines:
                if self._is_latest(line.record):
                    latest[line.record["name"]] = line
            begun |= {name: self._begun[name] for name in content.begun if self._is_open(name)}
        merged, head = list[str](), ""
        for line in latest.values():
            if line.head != head:
                merged.append(head := line.head)
            merged.append(json.dumps(line.record))
        if merged or begun:
            self._write_part(merged, begun)
        try:
            for part in read:
                self._target.remove(f"{JOURNAL_NAME}/{part}")
                del self._n_records[part]
        except OSError as error:
            _logger.warning(
                "Old parts of the journal %s/%s cannot be removed (%s). Allow that, or the "
                "journal grows with each run.",
                *map(without_secrets, (self._target.address, JOURNAL_NAME, str(error))),
            )

    def _read(self, parts: Sequence[str]) -> Iterator[tuple[str, Part]]:
        """Yield parts and what is in them, in their order, without those that are gone."""
        with ThreadPoolExecutor(_N_READERS) as threads:
            for first in range(0, len(parts), _N_READERS):
                some = parts[first : first + _N_READERS]
                for part, data in zip(some, threads.map(self._data_of_part, some), strict=True):
                    if data is not None:
                        yield part, content_of(data)

    def _data_of_part(self, part: str) -> bytes | None:
        return self._data_of(f"{JOURNAL_NAME}/{part}")

    def _data_of(self, name: str) -> bytes | None:
        """What stands in a file of the target; ``None`` if it is not there."""
        try:
            return self._target.read(name)
        except OSError as error:
            if error.errno == errno.ENOENT or isinstance(error, FileNotFoundError):
                return None
            raise


def _is_small(n_records: int) -> bool:
    return n_records < _MOST_MERGED // 2
