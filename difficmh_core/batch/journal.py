"""What a run has done, kept beside its outputs, so that the next run goes on from there.

``.difficmh/`` in the output's folder holds the records of finished files as JSON, one a line, in
parts that are each written whole: storage such as S3 cannot add to a file. ``failures.jsonl``
names what failed in the last run.
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from difficmh_core.batch.targets import Target

FAILURES_NAME = "failures.jsonl"
_FOLDER = ".difficmh"
_MOST_RECORDS = 1000  # of a part
_LONGEST_S = 10.0  # that a finished file stays out of the journal

Record = Mapping[str, Any]
"""``name``, ``n_bytes``, what was set (``settings``), and what is known of the picture."""


class Journal:
    """The records of a target; the files themselves are what counts."""

    def __init__(self, target: Target) -> None:
        """Read the records that earlier runs left."""
        self._target = target
        self._unwritten = list[Record]()
        self._failures = list[Record]()
        self._n_parts = 0
        self._written_at = time.monotonic()
        self._run = f"{time.time_ns():020d}"  # later runs sort after earlier ones
        self._records = dict[str, Record]()
        for part in sorted(target.sizes(_FOLDER)):
            for record in _records_in(target.read(f"{_FOLDER}/{part}")):
                self._records[record["name"]] = record

    def __iter__(self) -> Iterator[Record]:
        """Every record, the latest of each file."""
        return iter(self._records.values())

    def is_done(self, name: str, settings: Mapping[str, Any], n_bytes: int | None) -> bool:
        """Tell whether a file is complete and was made with these settings.

        Args:
            name: The output's name.
            settings: What would decide its bytes now.
            n_bytes: Its size, or ``None`` if there is no such file [bytes].
        """
        record = self._records.get(name)
        return (
            record is not None and record["settings"] == settings and record["n_bytes"] == n_bytes
        )

    def add(self, record: Record) -> None:
        """Note a finished file."""
        self._records[record["name"]] = record
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
            part = f"{_FOLDER}/{self._run}-{self._n_parts:06d}.jsonl"
            self._target.write(part, _lines_of(self._unwritten))
            self._n_parts += 1
            self._unwritten = []
        if self._failures:
            self._target.write(FAILURES_NAME, _lines_of(self._failures))
        else:
            self._target.remove(FAILURES_NAME)
        self._written_at = time.monotonic()

    def _write_if_due(self) -> None:
        is_late = time.monotonic() - self._written_at > _LONGEST_S
        if is_late or len(self._unwritten) >= _MOST_RECORDS:
            self.write()


def _lines_of(records: list[Record]) -> bytes:
    # In ASCII, since a name may hold bytes that are no text.
    return "".join(f"{json.dumps(record)}\n" for record in records).encode("ascii")


def _records_in(data: bytes) -> Iterator[Record]:
    for line in data.decode("ascii", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # damaged: the file that it told of is made anew
        if isinstance(record, dict) and {"name", "settings", "n_bytes"} <= record.keys():
            yield record
