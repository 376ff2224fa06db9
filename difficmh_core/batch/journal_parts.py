"""What stands in a part of the journal, line by line, each of them JSON.

``{"settings": ...}``
    what the files of the next lines were made with
``{"name": ..., "source": ..., "n_bytes": ..., "finished_ns": ..., ...}``
    a finished file
``{"begun_ns": ..., "names": [...]}``
    files that a run was about to write
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any, NamedTuple

TIME = "finished_ns"
"""In records, since 1970, but always rising [ns]."""
_BEGUN, _NAMES = "begun_ns", "names"
_MOST_NAMES = 1000  # in a line

_REQUIRED = {("name", str), ("source", str), ("n_bytes", int)}

Record = Mapping[str, Any]
"""``name``, ``source`` and ``n_bytes`` of a finished file, and what is known of the picture.

``source_version`` is the version of the source; records of earlier releases lack it.
"""


class Line(NamedTuple):
    """The record of a file in a part, and the settings it was made with, with their digest."""

    head: str
    settings: str
    record: Record


class Part(NamedTuple):
    """What is in a part: records, and when a run began to write which names."""

    lines: list[Line]
    begun: dict[str, int]  # names, with times as in records [ns]


def content_of(data: bytes) -> Part:
    """Read a part; damaged lines are left out."""
    head = settings = ""
    lines, begun = list[Line](), dict[str, int]()
    for line, value in _values_in(data):
        if "settings" in value:
            head, settings = line, digest_of(value["settings"])
        elif isinstance(names := value.get(_NAMES), list):
            time_ns = _time_ns_of(value, _BEGUN)
            begun |= {name: time_ns for name in names if isinstance(name, str)}
        elif {(k, type(v)) for k, v in value.items()} >= _REQUIRED:
            lines.append(Line(head, settings, value | {TIME: _time_ns_of(value, TIME)}))
    return Part(lines, begun)


def failures_in(data: bytes) -> dict[str, Record]:
    """The failures in a list of them, by the names of the outputs."""
    values = (value for _, value in _values_in(data))
    return {value["name"]: value for value in values if isinstance(value.get("name"), str)}


def _values_in(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield lines and what they say, but for damaged ones: what they told of is made anew."""
    for line in data.decode("ascii", errors="replace").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield line, value


def _time_ns_of(value: Mapping[str, Any], key: str) -> int:
    time_ns = value.get(key)
    return time_ns if isinstance(time_ns, int) else 0


def lines_of_names(begun: Mapping[str, int]) -> Iterator[str]:
    """Lines that tell when which names were begun, some names in each."""
    for time_ns, names in groupby(sorted(begun, key=begun.__getitem__), begun.__getitem__):
        while some := list(islice(names, _MOST_NAMES)):
            yield json.dumps({_BEGUN: time_ns, _NAMES: some})


def digest_of(settings: object) -> str:
    """What settings are told apart by."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def data_of(lines: Iterable[str]) -> bytes:
    """The bytes of lines."""
    # In ASCII, since a name may hold bytes that are no text.
    return "".join(f"{line}\n" for line in lines).encode("ascii")
