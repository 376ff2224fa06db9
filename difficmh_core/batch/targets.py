"""Where outputs go: a folder of this machine or of any storage that fsspec knows."""

import os
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from glob import escape
from pathlib import Path, PurePosixPath

from difficmh_core._support.atomic_files import is_part, write_whole
from difficmh_core.batch.addresses import (
    is_address,
    path_if_here,
    storage_of,
    told_as_os_errors,
    without_secrets,
)
from difficmh_core.batch.folder_search import files_below, for_pathlib
from difficmh_core.batch.sources import JOURNAL_NAME, STANDARD, Source
from difficmh_core.batch.storage_search import PATTERN, root_of
from difficmh_core.batch.storage_writing import part_age_s, write_to_storage
from difficmh_core.errors import ConfigError

FAILURES_NAME = "failures.jsonl"
TABLE_NAME = "files.parquet"
KEPT_FILES = (FAILURES_NAME, TABLE_NAME)
"""Beside the outputs, for what a run tells."""
_KEPT_NAMES = (JOURNAL_NAME, *KEPT_FILES)
_OLD_S = 3600.0  # after which a part of a file is one that a killed run left
_FOLDS_CASE = sys.platform in ("darwin", "win32")  # file systems that take A.jpg for a.jpg
_IS_WINDOWS = sys.platform == "win32"
_NO_NAME_THERE = re.compile(
    r"""[<>:"|?*\x00-\x1f] | [. ]$
    | ^( con | prn | aux | nul | conin\$ | conout\$ | (com|lpt)[0-9¹²³] )[ ]*(\.|$)""",
    re.IGNORECASE | re.VERBOSE,
)
"""In a part of a path: https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""


@dataclass(frozen=True, slots=True)
class Target:
    """A folder that outputs go to.

    Attributes:
        address: Its path, or its address.
    """

    address: str

    def __post_init__(self) -> None:
        """Take an address of this machine for the path that it holds."""
        object.__setattr__(self, "address", path_if_here(self.address))

    @told_as_os_errors()
    def check_folder(self) -> None:
        """Refuse a target that is a file, or that would lie below one.

        Raises:
            ConfigError: If it is, or if its storage cannot be reached.
        """
        if is_address(self.address):
            storage, path = storage_of(self.address.rstrip("/"))
            file = without_secrets(self.address) if storage.isfile(path) else None
        else:
            folder = Path(self.address)
            there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
            file = None if there.is_dir() else str(there)
        if file is not None:
            raise ConfigError(
                f"{file!r} is a file, but many files need a folder as the output. Name a folder, "
                "or a new one."
            )

    @told_as_os_errors()
    def write(self, name: str, data: bytes) -> None:
        """Write a file below the folder, whole or not at all where that can be done.

        Raises:
            OSError: If it cannot be written.
        """
        if is_address(self.address):
            write_to_storage(*storage_of(self._path(name)), data)
            return
        file = Path(self.address, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(data, file)

    @told_as_os_errors()
    def read(self, name: str) -> bytes:
        """Read a file below the folder.

        Raises:
            OSError: If it cannot be read.
        """
        if is_address(self.address):
            storage, path = storage_of(self._path(name))
            data: bytes = storage.cat_file(path)
            return data
        return Path(self.address, name).read_bytes()

    @told_as_os_errors()
    def remove(self, name: str) -> None:
        """Remove a file below the folder, if it is there."""
        if not is_address(self.address):
            Path(self.address, name).unlink(missing_ok=True)
            return
        storage, path = storage_of(self._path(name))
        with suppress(FileNotFoundError):  # another run was faster
            if storage.exists(path):
                storage.rm_file(path)

    def sizes(self, folder: str = "") -> Mapping[str, int]:
        """The files below a folder of this one, by name, with their sizes [bytes].

        What a killed run left of a file long ago is removed.
        """
        if is_address(self.address):
            return self._sizes_on_storage(folder)
        root, found = Path(self.address, folder), dict[str, int]()
        for file in files_below(root) if root.is_dir() else ():
            try:
                status = file.stat()
            except FileNotFoundError:
                continue  # another run has just renamed or removed it
            if is_part(file) and time.time() - status.st_mtime > _OLD_S:
                file.unlink(missing_ok=True)
            elif not is_part(file):
                found[file.relative_to(root).as_posix()] = status.st_size
        return found

    @told_as_os_errors()
    def _sizes_on_storage(self, folder: str) -> Mapping[str, int]:
        storage, path = storage_of(self._path(folder).rstrip("/"))
        storage.invalidate_cache()
        found = dict[str, int]()
        for key, facts in (storage.find(path, detail=True) if storage.isdir(path) else {}).items():
            name = key.removeprefix(path).lstrip("/")
            age_s = part_age_s(name)
            if age_s is None:
                found[name] = facts["size"]
            elif age_s > _OLD_S:
                self.remove(f"{folder}/{name}".lstrip("/"))
        return found

    def _path(self, name: str) -> str:
        return f"{self.address.rstrip('/')}/{name}"


def output_names(sources: Iterable[Source], suffix: str) -> dict[str, Source]:
    """The source of each output, by the output's name below the target.

    Args:
        sources: The files to work on.
        suffix: What outputs end in: ``.dicmh``.

    Raises:
        ConfigError: If two outputs would have one name, or one the name of another's folder.
    """
    source_of, taken = dict[str, Source](), dict[str, Source]()
    for source in sources:
        name = str(PurePosixPath(source.name).with_suffix(suffix))
        other = taken.setdefault(told_by(name), source)
        if other is not source:
            raise ConfigError(
                f"{other.place!r} and {source.place!r} would both be written to {name!r}. Rename "
                "one, or give each an output of its own."
            )
        source_of[name] = source
    for name, source in source_of.items():
        for folder in map(str, PurePosixPath(told_by(name)).parents):
            if (file := taken.get(folder)) is not None:
                raise ConfigError(
                    f"{file.place!r} would be written to {folder!r}, which is a folder for "
                    f"{source.place!r}. Rename one, or give each an output of its own."
                )
    return source_of


def told_by(name: str) -> str:
    """What the file system here tells a name by: those of macOS and Windows ignore its case."""
    if _IS_WINDOWS:
        name = name.replace("\\", "/")
    return _folded(name) if _FOLDS_CASE else name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def refusal_of(name: str) -> str | None:
    """Why nothing is written under a name, as an archive may hold it; ``None`` if it may be."""
    path = PurePosixPath(name.replace("\\", "/"))
    has_drive = re.match(r"[A-Za-z]:/", str(path)) is not None
    if path.is_absolute() or has_drive or ".." in path.parts or "\0" in name:
        return "Its name leads out of the output's folder."
    if _IS_WINDOWS and any(_NO_NAME_THERE.search(part) for part in path.parts):
        return "Windows takes no file of that name."
    if told_by(path.parts[0]) in _KEPT_NAMES:
        return f"The name {path.parts[0]} is kept for what a run tells."
    return None


def check_apart(words: Iterable[str], sources: Mapping[str, Source], target: Target) -> None:
    """Refuse outputs that would replace an input, or that the next run would take for inputs.

    Args:
        words: The inputs, as they were named.
        sources: What they name, by the names of the outputs.
        target: Where outputs go.

    Raises:
        ConfigError: If the target lies in a folder that is read, if a pattern would match an
            output, or if an output is an input.
    """
    folder = target.address.rstrip("/" + os.sep)
    for word in map(path_if_here, words):
        if word == STANDARD:
            continue
        if is_address(word) != is_address(folder):
            continue
        if is_address(word):
            (inner_storage, there), (outer_storage, pattern) = map(storage_of, (folder, word))
            if inner_storage != outer_storage:
                continue
            lies_in = f"{there.rstrip('/')}/".startswith(f"{pattern.rstrip('/')}/")
        else:
            inner, outer = Path(folder).resolve(), Path(word).resolve()
            lies_in = outer.is_dir() and inner.is_relative_to(outer)
            root = root_of(word)
            below = for_pathlib(word.removeprefix(root)) if PATTERN.search(word) else ""
            there, pattern = inner.as_posix(), f"{escape(Path(root).resolve().as_posix())}/{below}"
        is_pattern = PATTERN.search(word) is not None and not Path(word).exists()
        if lies_in or (is_pattern and _matches_any(pattern, there, sources)):
            raise ConfigError(
                f"The output {without_secrets(target.address)!r} lies in the input "
                f"{without_secrets(word)!r}. Choose a folder outside of it."
            )
    if is_address(folder):
        return
    real = lru_cache(os.path.realpath)

    def place(file: str | Path) -> str:
        """Tell files apart by whatever links their folders are named; the last link stays one."""
        around, name = os.path.split(file)
        return told_by(os.path.join(real(around), name))  # noqa: PTH118 (a million times)

    inputs = {
        place(source.address)
        for source in sources.values()
        if source.start is None and not is_address(source.address)
    }
    for name in sources:
        if place(Path(folder, name)) in inputs:
            raise ConfigError(
                f"The output {str(Path(folder, name))!r} is an input. Choose another folder."
            )


def _matches_any(pattern: str, folder: str, names: Iterable[str]) -> bool:
    from fsspec.utils import glob_translate

    form = re.compile(glob_translate(pattern))
    return any(form.match(f"{folder.rstrip('/')}/{name}") for name in names)
