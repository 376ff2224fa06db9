"""Lines of JSON, appended as they are measured and read back whole; and the same as CSV.

JSON knows no infinity, so that the PSNR of equal pictures is written as the string ``"inf"``.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from difficmh_core._support.atomic_files import write_whole


def json_of(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON that every reader takes.

    Args:
        value: Made of mappings, sequences, texts and numbers; infinities become ``"inf"`` and
            ``"-inf"``, what is no number becomes ``null``.
        indent: Blanks for each level; ``None`` writes one line.
    """
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def csv_of(rows: Sequence[Mapping[str, Any]], *, line_end: str = "\n") -> str:
    """Return rows as CSV, a column for each key in the order in which they come."""
    buffer = io.StringIO()
    keys = dict.fromkeys(key for row in rows for key in row)
    writer = csv.DictWriter(buffer, list(keys), lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def utf8_of(text: str) -> bytes:
    r"""Return a text as UTF-8, which names of files need not be.

    What is none is written as JSON escapes it, so that a name is read back as it was.

    >>> utf8_of("caf\udce9.png")
    b'caf\\udce9.png'
    """
    return text.encode(errors="backslashreplace")


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def append_line(path: Path, value: dict[str, Any]) -> dict[str, Any]:
    """Append a value to a file as one line, and return it.

    The line is whole, unless the machine stops in the midst of it.
    """
    with path.open("ab") as file:
        file.write(utf8_of(json_of(value) + "\n"))
    return value


def mend(path: Path) -> None:
    """Take half a line off the end of a file, as an interruption leaves it.

    No other process may be writing to the file.
    """
    data = path.read_bytes() if path.is_file() else b""
    if data and not data.endswith(b"\n"):
        write_whole(data[: data.rfind(b"\n") + 1], path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every whole line of a file; half a line at its end may still be being written."""
    *whole, _ = path.read_bytes().split(b"\n")
    for line in whole:
        yield json.loads(line)
