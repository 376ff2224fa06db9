"""Files on storage that fsspec knows: below a folder, or matching a pattern."""

import os
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from difficmh_core.batch.addresses import without_query

PATTERN = re.compile(r"[*?\[]")
"""The signs that make a pattern of a path."""


def search_storage(
    storage: Any,  # noqa: ANN401 (fsspec's)
    path: str,
    suffixes: frozenset[str],
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Find files, in the order of their paths.

    Args:
        storage: A file system of fsspec's.
        path: Of a file, a folder or a pattern on it.
        suffixes: What is taken from folders, in lower case: ``.jpg``.

    Returns:
        The path of each file, and what the storage lists of it, by its path below the folder, or
        below that before the first sign.

    Raises:
        FileNotFoundError: If nothing has this path, and it is no pattern.
    """
    if storage.isdir(path):
        listed = storage.find(path, detail=True)
        below = {_below(path, each): (each, listed[each]) for each in sorted(listed)}
        return {
            name: found
            for name, found in below.items()
            if PurePosixPath(name).suffix.lower() in suffixes
        }
    if storage.exists(path):
        return {without_query(path).rpartition("/")[2]: (path, storage.info(path))}
    if PATTERN.search(path) is None:
        raise FileNotFoundError(path)
    matches = storage.glob(path, detail=True)
    files = sorted(each for each, facts in matches.items() if facts["type"] != "directory")
    return {_below(root_of(path), each): (each, matches[each]) for each in files}


def root_of(pattern: str) -> str:
    """The folder before a pattern's first sign."""
    return os.path.dirname(PATTERN.split(pattern, 1)[0])  # noqa: PTH120 (may be an address)


def _below(folder: str, path: str) -> str:
    return path.removeprefix(folder).lstrip("/")


def address_on_storage(
    word: str,
    storage: Any,  # noqa: ANN401
    path: str,
    file: str,
) -> str:
    """The address of a file that a search found, with the server and the chain of what was named.

    Args:
        word: The address that was named.
        storage: Its file system.
        path: Its path there.
        file: The file's path there.
    """
    first, *others = links = word.split("::")
    if not path.strip("/"):  # all of the storage was named
        start = first if "://" in first else f"{first}://"
        if not start.endswith("://"):
            start = start.rstrip("/") + "/" * (not file.startswith("/"))
        return "::".join([start + file, *others])
    end = path.rstrip("/")
    for number, link in enumerate(links):
        if "://" in link and link.rstrip("/").endswith(end):
            start = link.rstrip("/").removesuffix(end)
            return "::".join([*links[:number], start + file, *links[number + 1 :]])
    address: str = storage.unstrip_protocol(file)
    return address
