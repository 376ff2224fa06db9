"""Files in folders of this machine, the same on every version of Python."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from difficmh_core.errors import ConfigError


def for_pathlib(pattern: str) -> str:
    """A pattern below a folder, as every Python takes it alike.

    Before 3.13, ``**`` at the end means folders alone, and beside other signs it is an error.
    """
    parts = re.split(r"[/\\]" if os.sep == "\\" else "/", pattern.lstrip("/\\"))
    named = [part for part in parts if part]
    if named[-1] == "**":
        parts = [*named, "*"]
    return "/".join(part if part == "**" else re.sub(r"\*+", "*", part) for part in parts)


def files_below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The files below a folder in the order of their names, those behind links, too.

    Args:
        folder: Where to search.
        above: The folders around it, to which a link may lead back.

    Raises:
        ConfigError: If a folder cannot be read.
    """
    real = folder.resolve()
    if real in above:
        return  # a link that leads back to a folder around it
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"The folder {str(folder)!r} cannot be read: {error.strerror}. Make it readable, or "
            "name others."
        ) from error
    yield from (entry for entry in entries if entry.is_file())
    for entry in entries:
        if entry.is_dir():
            yield from files_below(entry, above | {real})
