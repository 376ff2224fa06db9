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
"""

import errno
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from difficmh_core.batch.sources import JOURNAL_NAME, Source
from difficmh_core.batch.targets import FAILURES_NAME, Target

_logger = logging.getLogger(__name__)

_MOST_RECORDS = 1000  # of a part that a run writes as it goes on
_LONGEST_S = 60.0  # that a finished file stays out of the journal
_MOST_MERGED = 100_000  # records of a merged part, some 30 MB
_FEW_PARTS = 8  # that are left as they are
_N_READERS = 16  # parts read at once, for storage that answers slowly
_TIME = "finished_ns"  # in records, since 1970, but always rising [ns]

_REQUIRED = {("name", str), ("source", str), ("n_bytes", int)}

Record = Mapping[str, Any]
"""``name``, ``source`` and ``n_bytes`` of a finished file, and what is known of the picture."""


class _Done(NamedTuple):
    source: str
    n_bytes: int
    settings: str
    time_ns: int


class _Line(NamedTuple):
    """The record of a file in a part, and the settings it was made with, with their digest."""

    head: str
    settings: str
    record: Record


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
        self._settings = _digest(settings)
        self._head = json.dumps({"settings": settings})
        self._unwritten = list[Record]()
        self._failures = list[Record]()
        self._done = dict[str, _Done]()
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
        return done is not None and done[:3] == (source.identity, n_bytes, self._settings)

    def other_source(self, name: str, source: Source) -> str | None:
        """The input that an output was made of, if it was another one."""
        done = self._done.get(name)
        return None if done is None or done.source == source.identity else done.source

    def add(self, record: Record) -> None:
        """Note a finished file."""
        self._last_ns = max(self._last_ns + 1, time.time_ns())  # also if the clock was put back
        self._unwritten.append({**record, _TIME: self._last_ns})
        self._write_if_due()

    def add_failure(self, failure: Record) -> None:
        """Note a failed file: its ``name``, where it is, and the ``reason`` in one line."""
        self._failures.append(failure)
        self._write_if_due()

    def close(self) -> None:
        """Write what was not written yet, and merge small parts.

        Raises:
            OSError: If the target cannot be written to.
        """
        self._write()
        self._merge()

    def records(self) -> Iterator[list[Record]]:
        """Yield the records of finished files in lists, each file's latest only."""
        read, given = set[str](), set[str]()
        while parts := sorted(self._target.sizes(JOURNAL_NAME).keys() - read):
            read.update(parts)
            for _, lines in self._read(parts):
                latest = dict[str, Record]()
                for line in lines:
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
            self._target.write(FAILURES_NAME, _data_of(map(json.dumps, self._failures)))
        else:
            self._target.remove(FAILURES_NAME)
        self._written_at = time.monotonic()

    def _write_if_due(self) -> None:
        is_late = time.monotonic() - self._written_at > _LONGEST_S
        if is_late or len(self._unwritten) >= _MOST_RECORDS:
            self._write()

    def _write_part(self, lines: Sequence[str]) -> None:
        part = f"{self._run}-{self._n_parts:06d}.jsonl"
        self._target.write(f"{JOURNAL_NAME}/{part}", _data_of(lines))
        self._n_parts += 1
        self._n_records[part] = len(lines)

    def _note(self, record: Record, settings: str) -> None:
        if self._is_latest(record):
            time_ns = record[_TIME]
            self._last_ns = max(self._last_ns, time_ns)
            done = _Done(record["source"], record["n_bytes"], settings, time_ns)
            self._done[record["name"]] = done

    def _is_latest(self, record: Record) -> bool:
        done = self._done.get(record["name"])
        return done is None or bool(record[_TIME] >= done.time_ns)

    def _catch_up(self) -> None:
        """Read all parts that were not read yet."""
        gone = set[str]()
        while True:
            listed = self._target.sizes(JOURNAL_NAME).keys()
            self._n_records = {part: n for part, n in self._n_records.items() if part in listed}
            new = sorted(listed - self._n_records.keys() - gone)
            gone.update(new)
            for part, lines in self._read(new):
                for line in lines:
                    self._note(line.record, line.settings)
                self._n_records[part] = len(lines)
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
        latest, read = dict[str, _Line](), list[str]()
        for part, lines in self._read(parts):
            read.append(part)
            latest |= {line.record["name"]: line for line in lines if self._is_latest(line.record)}
        merged, head = list[str](), ""
        for line in latest.values():
            if line.head != head:
                merged.append(head := line.head)
            merged.append(json.dumps(line.record))
        if merged:
            self._write_part(merged)
        try:
            for part in read:
                self._target.remove(f"{JOURNAL_NAME}/{part}")
                del self._n_records[part]
        except OSError as error:
            _logger.warning(
                "Old parts of the journal %s/%s cannot be removed (%s). Allow that, or the "
                "journal grows with each run.",
                *(self._target.address, JOURNAL_NAME, error),
            )

    def _read(self, parts: Sequence[str]) -> Iterator[tuple[str, list[_Line]]]:
        """Yield parts and what is in them, in their order, without those that are gone."""
        with ThreadPoolExecutor(_N_READERS) as threads:
            for first in range(0, len(parts), _N_READERS):
                some = parts[first : first + _N_READERS]
                for part, data in zip(some, threads.map(self._data_of_part, some), strict=True):
                    if data is not None:
                        yield part, list(_lines_of(data))

    def _data_of_part(self, part: str) -> bytes | None:
        try:
            return self._target.read(f"{JOURNAL_NAME}/{part}")
        except OSError as error:
            if error.errno == errno.ENOENT or isinstance(error, FileNotFoundError):
                return None
            raise


def _lines_of(data: bytes) -> Iterator[_Line]:
    head = settings = ""
    for line in data.decode("ascii", errors="replace").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # damaged: the file that it told of is made anew
        if isinstance(value, dict) and "settings" in value:
            head, settings = line, _digest(value["settings"])
        elif isinstance(value, dict) and {(k, type(v)) for k, v in value.items()} >= _REQUIRED:
            yield _Line(head, settings, value | {_TIME: _time_ns_of(value)})


def _time_ns_of(record: Record) -> int:
    time_ns = record.get(_TIME)
    return time_ns if isinstance(time_ns, int) else 0


def _is_small(n_records: int) -> bool:
    return n_records < _MOST_MERGED // 2


def _digest(settings: object) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _data_of(lines: Iterable[str]) -> bytes:
    # In ASCII, since a name may hold bytes that are no text.
    return "".join(f"{line}\n" for line in lines).encode("ascii")
