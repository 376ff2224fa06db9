"""What a run has done, kept beside its outputs, so that the next run goes on from there.

``.difficmh/`` in the output's folder holds the records of finished files in parts that are each
written whole: storage such as S3 cannot add to a file. The first line of a part is the settings
that its files were made with, each other line the record of one file, as JSON. ``failures.jsonl``
names what failed in the last run.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from difficmh_core.batch.sources import JOURNAL_NAME, Source
from difficmh_core.batch.targets import FAILURES_NAME, Target

_MOST_RECORDS = 1000  # of a part
_LONGEST_S = 60.0  # that a finished file stays out of the journal

Record = Mapping[str, Any]
"""``name``, ``source`` and ``n_bytes`` of a finished file, and what is known of the picture."""
_Done = tuple[str, int, str, str]  # source, bytes, settings, part


class Journal:
    """The records of a target; the files themselves are what counts."""

    def __init__(self, target: Target, settings: Mapping[str, Any]) -> None:
        """Read what earlier runs did.

        Args:
            target: Where outputs go.
            settings: Everything that decides an output's bytes in this run.
        """
        self._target = target
        self._settings = _digest(settings)
        self._head = json.dumps({"settings": settings})
        self._unwritten = list[Record]()
        self._failures = list[Record]()
        self._parts = sorted(target.sizes(JOURNAL_NAME))
        self._done = dict[str, _Done]()
        for part in self._parts:
            for made_with, record in self._read(part):
                self._note(record, made_with, part)
        self._run = f"{time.time_ns():020d}"  # later runs sort after earlier ones
        self._n_parts = 0
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
        return None if done is None or done[0] == source.identity else done[0]

    def add(self, record: Record) -> None:
        """Note a finished file."""
        self._unwritten.append(record)
        self._write_if_due()

    def add_failure(self, failure: Record) -> None:
        """Note a failed file: its ``name``, where it is, and the ``reason`` in one line."""
        self._failures.append(failure)
        self._write_if_due()

    def write(self) -> None:
        """Write what was not written yet.

        Raises:
            OSError: If the target cannot be written to.
        """
        if self._unwritten:
            part = f"{self._run}-{self._n_parts:06d}.jsonl"
            lines = [self._head, *map(json.dumps, self._unwritten)]
            self._target.write(f"{JOURNAL_NAME}/{part}", _data_of(lines))
            self._n_parts += 1
            self._parts.append(part)
            for record in self._unwritten:
                self._note(record, self._settings, part)
            self._unwritten = []
        if self._failures:
            self._target.write(FAILURES_NAME, _data_of(map(json.dumps, self._failures)))
        else:
            self._target.remove(FAILURES_NAME)
        self._written_at = time.monotonic()

    def records(self) -> Iterator[list[Record]]:
        """Yield the records of every part, each file's latest only."""
        for part in self._parts:
            records = [record for _, record in self._read(part)]
            yield [record for record in records if self._done[record["name"]][3] == part]

    def _note(self, record: Record, settings: str, part: str) -> None:
        self._done[record["name"]] = record["source"], record["n_bytes"], settings, part

    def _write_if_due(self) -> None:
        is_late = time.monotonic() - self._written_at > _LONGEST_S
        if is_late or len(self._unwritten) >= _MOST_RECORDS:
            self.write()

    def _read(self, part: str) -> Iterator[tuple[str, Record]]:
        """Yield a digest of the settings and the record of each file in a part."""
        settings = ""
        data = self._target.read(f"{JOURNAL_NAME}/{part}")
        for line in data.decode("ascii", errors="replace").splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue  # damaged: the file that it told of is made anew
            if isinstance(value, dict) and "settings" in value:
                settings = _digest(value["settings"])
            elif isinstance(value, dict) and {"name", "source", "n_bytes"} <= value.keys():
                yield settings, value


def _digest(settings: object) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _data_of(lines: Iterable[str]) -> bytes:
    # In ASCII, since a name may hold bytes that are no text.
    return "".join(f"{line}\n" for line in lines).encode("ascii")
