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
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

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
_VERSIONS = (
    *("md5Hash", "content_md5", "ETag", "etag", "checksum", "blob_id"),
    *("mtime", "LastModified", "last_modified", "updated", "modified", "created"),
)
"""Under which fsspec's storages list what changes with a file's content, the best first."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to work on.

    Attributes:
        name: Its path below what was named, with ``/`` between folders; its output is named so.
        address: Where it is: a path, an address of fsspec, or ``-``.
        start: Where it begins in the archive at ``address`` [bytes]; ``None`` for a whole file.
        n_bytes: Its size in the archive [bytes].
        version: What changes when it does, as far as its place tells without being read: the
            size and the time of the last change, or what a storage tells files' contents by; of
            the archive, if it lies in one. Empty if nothing is told.
    """

    name: str
    address: str
    start: int | None = None
    n_bytes: int = 0
    version: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self._with_name(without_password(self.address))

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders of its address and its name."""
        place = PurePosixPath if is_address(self.address) else PurePath
        return *place(self.address).parts, *PurePosixPath(self.name).parts

    @property
    def identity(self) -> str:
        """Where it is, the same from whatever folder it is named."""
        is_here = self.address != STANDARD and not is_address(self.address)
        here = os.path.abspath(self.address)  # noqa: PTH100 (links stay as they are named)
        return self._with_name(here if is_here else without_password(self.address))

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
        if self.start is None:
            with _open(self.address) as file:
                data: bytes = file.read(most)
            return data
        length = min(most, self.n_bytes)
        if is_address(self.address):
            # These bytes alone: a file of fsspec's would read megabytes ahead.
            storage, path = storage_of(self.address)
            end = self.start + length
            data = storage.cat_file(path, start=self.start, end=end) if length else b""
            return data
        with _open(self.address) as file:
            file.seek(self.start)
            data = file.read(length)
        return data


def is_address(word: str) -> bool:
    """Tell whether a word is an address of fsspec, not a path of this machine."""
    return re.match(r"[a-z][a-z0-9+.-]*://|[a-z0-9]+::", word) is not None


def without_password(address: str) -> str:
    """An address as it may be shown and kept.

    >>> without_password("sftp://ann:secret@host/photos")
    'sftp://ann:***@host/photos'
    """
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", address)


def path_if_here(word: str) -> str:
    """The path in an address of this machine, ``file:///photos``; other words as they are."""
    return storage_of(word)[1] if word.startswith(("file://", "local://")) else word


def storage_of(address: str) -> tuple[Any, str]:
    """The file system that an address leads to, and the path in it.

    Raises:
        ConfigError: If no installed package knows addresses of this kind.
    """
    import fsspec

    try:
        storage, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"{without_password(address)!r} cannot be reached: "
            f"{without_password(str(error)).rstrip('.')}. Install "
            "the package that fsspec needs for it, or give another address."
        ) from error
    return storage, path


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
        found = [source for each in names for source in _named_by(each, suffixes)]
        if not found:
            raise ConfigError(
                f"{without_password(word)!r} names no file that can be worked on. Give files, "
                f"folders, patterns or archives that hold {', '.join(sorted(suffixes))}. Braces "
                "hold a rising range: {00..99}."
            )
        sources += found
    return [source for source in sources if JOURNAL_NAME not in source.parts]


def is_archive(word: str) -> bool:
    """Tell whether a word names an archive of files."""
    return word.lower().endswith(".tar")


def _expanded(word: str) -> Iterator[str]:
    """A word with its braces replaced by each number of their range, as many digits wide."""
    match = _RANGE.search(word)
    if match is None or (not is_address(word) and Path(word).exists()):
        yield word
        return
    first, last = match.groups()
    for number in range(int(first), int(last) + 1):
        yield from _expanded(
            word[: match.start()] + str(number).zfill(len(first)) + word[match.end() :]
        )


def _named_by(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    if word == STANDARD:
        yield Source(name=STANDARD, address=STANDARD)
    elif is_archive(word):
        yield from _in_archive(word, suffixes)
    elif is_address(word):
        yield from _on_storage(word, suffixes)
    else:
        yield from _on_this_machine(word, suffixes)


def _on_this_machine(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    path = Path(word)
    if path.is_dir():
        for file in _below(path, set()):
            if file.suffix.lower() in suffixes:
                name = file.relative_to(path).as_posix()
                yield Source(name=name, address=str(file), version=_version_here(file))
    elif path.exists():
        yield Source(name=path.name, address=word, version=_version_here(path))
    elif not _PATTERN.search(word):
        raise ConfigError(f"There is no file or folder {word!r}. Name one that is there.")
    else:
        root = _root_of(word)
        for found in sorted(Path(root).glob(word.removeprefix(root).lstrip("/\\"))):
            if found.is_file():
                name = found.relative_to(root).as_posix()
                yield Source(name=name, address=str(found), version=_version_here(found))


def _below(folder: Path, above: set[Path]) -> Iterator[Path]:
    """The files below a folder in the order of their names, those behind links, too."""
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
            yield from _below(entry, above | {real})


def _on_storage(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    storage, path = storage_of(word)
    is_pattern = _PATTERN.search(path) is not None
    if is_pattern:
        found, root = storage.glob(path, detail=True), _root_of(path)
    elif storage.isdir(path):
        found, root = storage.find(path, detail=True), path
    else:
        found, root = {path: _facts_of(storage, path)}, path.rpartition("/")[0]
    for each, facts in sorted(found.items()):
        name = each.removeprefix(root).lstrip("/")
        if each == path or is_pattern or PurePosixPath(name).suffix.lower() in suffixes:
            address = storage.unstrip_protocol(each)
            yield Source(name=name, address=address, version=_version_of(facts))


def _in_archive(word: str, suffixes: frozenset[str]) -> Iterator[Source]:
    try:
        version = _version_at(word)
        with _open(word) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.issparse():
                    raise tarfile.TarError(f"{member.name} is stored sparsely")
                if member.isreg() and PurePosixPath(member.name).suffix.lower() in suffixes:
                    yield Source(
                        name=member.name,
                        address=word,
                        start=member.offset_data,
                        n_bytes=member.size,
                        version=version,
                    )
    except (OSError, tarfile.TarError) as error:
        raise ConfigError(
            f"The archive {without_password(word)!r} cannot be read: "
            f"{without_password(str(error))}. Give a plain tar file that is not compressed."
        ) from error


def _version_at(address: str) -> str:
    if not is_address(address):
        return _version_here(Path(address))
    return _version_of(_facts_of(*storage_of(address)))


def _version_here(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""  # it has just gone, as reading it will tell
    return f"{status.st_size} {status.st_mtime_ns}"


def _facts_of(storage: Any, path: str) -> Mapping[str, Any]:  # noqa: ANN401 (fsspec's)
    try:
        facts: Mapping[str, Any] = storage.info(path)
    except OSError:
        return {}  # reading it will tell why
    return facts


def _version_of(facts: Mapping[str, Any]) -> str:
    """The version in what a storage lists of a file; each kind has its own words for it."""
    told = [facts[key] for key in _VERSIONS if facts.get(key) is not None]
    if not told:
        return ""
    best = told[0].timestamp() if isinstance(told[0], datetime) else told[0]
    return f"{facts.get('size')} {best}"


def _root_of(pattern: str) -> str:
    """The folder before a pattern's first sign."""
    return os.path.dirname(_PATTERN.split(pattern, 1)[0])  # noqa: PTH120 (may be an address)


def _open(address: str) -> Any:  # noqa: ANN401 (files of fsspec have no common type)
    """Open a file for reading bytes."""
    if not is_address(address):
        return Path(address).open("rb")
    storage, path = storage_of(address)
    return storage.open(path, "rb")
