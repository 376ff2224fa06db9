"""The files that the words on a command line name: files, folders, patterns, archives, buckets.

========================  =====================================================================
``photo.jpg``             that file, whatever its suffix
``photos/``               every picture below the folder, each under its path below it
``'photos/*.jpg'``        what the pattern matches (``**`` also goes into folders)
``shards-{00..07}.tar``   every picture in these archives, as WebDataset packs them
``s3://bucket/photos``    the same on any storage that fsspec knows: ``gs://``, ``hf://``, ...
``-``                     standard input, alone
========================  =====================================================================

References:
    WebDataset: https://github.com/webdataset/webdataset (tar shards, and their braces)
    fsspec: https://filesystem-spec.readthedocs.io
"""

import os
import posixpath
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from difficmh_core.batch.addresses import (
    forget_open,
    is_address,
    kept_open,
    path_if_here,
    storage_of,
    told_as_os_errors,
    without_query,
    without_secrets,
)
from difficmh_core.batch.folder_search import files_below, for_pathlib
from difficmh_core.batch.source_version import version_here, version_of
from difficmh_core.batch.storage_search import (
    PATTERN,
    address_on_storage,
    root_of,
    search_storage,
)
from difficmh_core.errors import ConfigError

STANDARD = "-"
"""Standard input, or output."""
PICTURE_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpeg", ".jpg", ".jxl"),
        *(".png", ".ppm", ".tif", ".tiff", ".webp"),
    }
)
"""What is taken from folders and archives, in lower case; other files there are left alone."""
JOURNAL_NAME = ".difficmh"
"""The folder that a run keeps its records in; nothing in it is ever an input."""
_MOST_LINKS = 40  # that lead to one file
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to work on.

    Attributes:
        name: Its path below what was named, with ``/`` between folders; its output is named so.
        address: Where it is: a path, an address of fsspec, or ``-``.
        start: Where it begins in the archive at ``address`` [bytes]; ``None`` for a whole file.
        n_bytes: Its size in the archive [bytes].
        found_on: The word whose storage it was found on, where it was searched for on one.
        path: Its path on that storage.
        version: What changes when it does, as far as its place tells without being read: the
            size and the time of the last change, or what a storage tells files' contents by; of
            the archive, if it lies in one. Empty if nothing is told.
    """

    name: str
    address: str
    start: int | None = None
    n_bytes: int = 0
    found_on: str = ""
    path: str = ""
    version: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._with_name(without_secrets(self.address))

    @property
    def identity(self) -> str:
        """Where it is, the same from whatever folder it is named."""
        is_here = self.address != STANDARD and not is_address(self.address)
        here = os.path.abspath(self.address)  # noqa: PTH100 (links stay as they are named)
        return self._with_name(here if is_here else without_secrets(self.address))

    def _with_name(self, address: str) -> str:
        return address if self.start is None else f"{address}: {self.name}"

    def read(self, most: int) -> bytes:
        """Read the file.

        Args:
            most: How much is read, no more [bytes].

        Raises:
            OSError: If it cannot be read.
        """
        if self.address == STANDARD:
            return sys.stdin.buffer.read(most)
        if self.found_on:
            return self._read_from_storage(most)
        if self.start is None:
            with Path(self.address).open("rb") as file:
                return file.read(most)
        length = min(most, self.n_bytes)
        if is_address(self.address):
            return self._read_from_archive_on_storage(self.start, length)
        with Path(self.address).open("rb") as file:
            file.seek(self.start)
            return file.read(length)

    @told_as_os_errors()
    def _read_from_storage(self, most: int) -> bytes:
        with kept_open(self.found_on) as storage, storage.open(self.path, "rb") as file:
            data: bytes = file.read(most)
        return data

    @told_as_os_errors()
    def _read_from_archive_on_storage(self, start: int, length: int) -> bytes:
        # These bytes alone: a file of fsspec's would read megabytes ahead.
        storage, path = storage_of(self.address)
        data: bytes = storage.cat_file(path, start=start, end=start + length) if length else b""
        return data


def find_sources(words: Sequence[str], suffixes: frozenset[str]) -> list[Source]:
    """Find the files that words name, in the order of the words and then of the names.

    Args:
        words: As in the table above.
        suffixes: What is taken from folders and archives, in lower case: ``.jpg``.

    Raises:
        ConfigError: If a word names nothing, or nothing that can be reached.
    """
    sources = list[Source]()
    for word in words:
        if word == STANDARD and len(words) > 1:
            raise ConfigError("Standard input (-) is one file. Give it alone, or leave it out.")
        names = _expanded(path_if_here(word))
        found = [
            source
            for each in names
            for source in _named_by(each, suffixes)
            if JOURNAL_NAME not in PurePosixPath(source.name).parts
        ]
        if not found:
            raise ConfigError(
                f"{without_secrets(word)!r} names no file that can be worked on. Give files, "
                f"folders, patterns or archives that hold {', '.join(sorted(suffixes))}. Braces "
                "hold a rising range: {00..99}."
            )
        sources += found
    return sources


def is_archive(word: str) -> bool:
    """Tell whether a word names an archive of files."""
    is_opened_by_fsspec = word.startswith(("tar://", "tar::"))
    return without_query(word).lower().endswith(".tar") and not is_opened_by_fsspec


def _expanded(word: str) -> Iterator[str]:
    """A word with its braces replaced by each number of their range, filled up as in a shell."""
    match = _RANGE.search(word)
    if match is None or (not is_address(word) and Path(word).exists()):
        yield word
        return
    first, last = match.groups()
    is_padded = first.startswith("0") and len(first) > 1
    width = max(len(first), len(last)) if is_padded else 0
    for number in range(int(first), int(last) + 1):
        digits = str(number).zfill(width)
        yield from _expanded(word[: match.start()] + digits + word[match.end() :])


def _named_by(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    if word == STANDARD:
        yield Source(name=STANDARD, address=STANDARD)
        return
    on_storage = is_address(word)
    with _named_in_errors(word) if on_storage else nullcontext():
        if is_archive(word) and PATTERN.search(without_query(word)) is None:
            yield from _in_archive(word, suffixes)
            return
        for found in (_on_storage if on_storage else _on_this_machine)(word, suffixes):
            if is_archive(found.address):
                yield from _in_archive(found.address, suffixes)
            else:
                yield found


def _on_this_machine(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    path = Path(word)
    if path.is_dir():
        for file in files_below(path):
            if file.suffix.lower() in suffixes:
                name = file.relative_to(path).as_posix()
                yield Source(name=name, address=str(file), version=version_here(file))
    elif path.exists():
        yield Source(name=path.name, address=word, version=version_here(path))
    elif not PATTERN.search(word):
        raise _nothing_there(word)
    else:
        root = root_of(word)
        for found in sorted(Path(root).glob(for_pathlib(word.removeprefix(root)))):
            if found.is_file():
                name = found.relative_to(root).as_posix()
                yield Source(name=name, address=str(found), version=version_here(found))


def _nothing_there(word: str) -> ConfigError:
    return ConfigError(
        f"There is no file or folder {without_secrets(word)!r}. Name one that is there."
    )


@contextmanager
def _named_in_errors(word: str) -> Iterator[None]:
    """Name the word in whatever a package says of storage that cannot be read."""
    try:
        yield
    except ConfigError:
        raise
    except FileNotFoundError as error:
        raise _nothing_there(word) from error
    except Exception as error:  # each package has errors of its own
        reason = without_secrets(str(error).rstrip(".")) or type(error).__name__
        raise ConfigError(
            f"{without_secrets(word)!r} cannot be read: {reason}. Check the address, and that "
            "this machine may read there."
        ) from error


def _on_storage(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    forget_open()  # an archive may have changed since
    storage, path = storage_of(word)
    for name, (file, facts) in search_storage(storage, path, suffixes).items():
        address = address_on_storage(word, storage, path, file)
        version = version_of(facts)
        yield Source(name=name, address=address, found_on=word, path=file, version=version)


def _in_archive(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    try:
        version = _version_at(word)
        with _opened(word) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            members = {posixpath.normpath(member.name): member for member in archive}
            for member in archive:
                file_behind = _behind_links(member, members)
                if file_behind is None or not _is_taken(member.name, suffixes):
                    continue
                if file_behind.issparse():
                    raise tarfile.TarError(f"{member.name} is stored sparsely")
                yield Source(
                    name=member.name,
                    address=word,
                    start=file_behind.offset_data,
                    n_bytes=file_behind.size,
                    version=version,
                )
    except FileNotFoundError as error:
        raise _nothing_there(word) from error
    except (OSError, tarfile.TarError) as error:
        raise ConfigError(
            f"The archive {without_secrets(word)!r} cannot be read: "
            f"{without_secrets(str(error))}. Give a plain tar file that is not compressed."
        ) from error


def _is_taken(name: str, suffixes: frozenset[str]) -> bool:
    return PurePosixPath(name).suffix.lower() in suffixes


def _behind_links(
    member: tarfile.TarInfo | None, members: Mapping[str, tarfile.TarInfo]
) -> tarfile.TarInfo | None:
    """The file in an archive that a member is, or that it links to; ``None`` if there is none."""
    for _ in range(_MOST_LINKS):
        if member is None or member.isreg():
            return member
        around = posixpath.dirname(member.name) if member.issym() else ""
        member = members.get(posixpath.normpath(posixpath.join(around, member.linkname)))
    return None


def _version_at(address: str) -> str:
    if not is_address(address):
        return version_here(Path(address))
    storage, path = storage_of(address)
    return version_of(storage.info(path))


@contextmanager
def _opened(address: str) -> Iterator[Any]:
    """Open a file for reading bytes."""
    if not is_address(address):
        with Path(address).open("rb") as file:
            yield file
        return
    storage, path = storage_of(address)
    with storage.open(path, "rb") as file:
        yield file
