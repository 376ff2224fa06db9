"""Where outputs go: a folder of this machine or of any storage that fsspec knows."""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.batch.sources import Source, is_address, storage_of
from difficmh_core.errors import ConfigError

_FOLDS_CASE = sys.platform in ("darwin", "win32")  # file systems that take A.jpg for a.jpg


@dataclass(frozen=True, slots=True)
class Target:
    """A folder that outputs go to.

    Attributes:
        address: Its path, or its address.
    """

    address: str

    def write(self, name: str, data: bytes) -> None:
        """Write a file below the folder, whole or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        if is_address(self.address):
            # Storage shows an object once it was sent to its end; no earlier one is lost.
            storage, path = storage_of(self._path(name))
            storage.makedirs(path.rpartition("/")[0], exist_ok=True)
            storage.pipe_file(path, data)
            return
        file = Path(self.address, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(data, file)

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

    def remove(self, name: str) -> None:
        """Remove a file below the folder, if it is there."""
        if not is_address(self.address):
            Path(self.address, name).unlink(missing_ok=True)
            return
        storage, path = storage_of(self._path(name))
        if storage.exists(path):
            storage.rm_file(path)

    def sizes(self, folder: str = "") -> Mapping[str, int]:
        """The files below a folder of this one, by name, with their sizes [bytes]."""
        if is_address(self.address):
            storage, path = storage_of(self._path(folder).rstrip("/"))
            storage.invalidate_cache()
            found = storage.find(path, detail=True) if storage.isdir(path) else {}
            return {
                key.removeprefix(path).lstrip("/"): value["size"] for key, value in found.items()
            }
        root = Path(self.address, folder)
        return {
            file.relative_to(root).as_posix(): file.stat().st_size
            for file in root.rglob("*")
            if file.is_file()
        }

    def _path(self, name: str) -> str:
        return f"{self.address.rstrip('/')}/{name}"


def output_names(sources: Iterable[Source], suffix: str) -> dict[str, Source]:
    """The source of each output, by the output's name below the target.

    Args:
        sources: The files to work on.
        suffix: What outputs end in: ``.dicmh``.

    Raises:
        ConfigError: If two outputs would have one name.
    """
    source_of, taken = dict[str, Source](), dict[str, Source]()
    for source in sources:
        name = str(PurePosixPath(source.name).with_suffix(suffix))
        other = taken.setdefault(name.casefold() if _FOLDS_CASE else name, source)
        if other is not source:
            raise ConfigError(
                f"{other.place!r} and {source.place!r} would both be written to {name!r}. Rename "
                "one, or give each an output of its own."
            )
        source_of[name] = source
    return source_of


def leads_out(name: str) -> bool:
    """Tell whether a name, as an archive may hold it, leads out of the folder that it is below."""
    path = PurePosixPath(name.replace("\\", "/"))
    has_drive = re.match(r"[A-Za-z]:/", str(path)) is not None
    return path.is_absolute() or has_drive or ".." in path.parts or "\0" in name


def check_apart(words: Iterable[str], target: str) -> None:
    """Refuse outputs below a folder that is read: the next run would read them as well.

    Raises:
        ConfigError: If the target is an input or lies in one.
    """
    for word in words:
        if is_address(word) or is_address(target):
            lies_in = f"{target.rstrip('/')}/".startswith(f"{word.rstrip('/')}/")
        else:
            inner, outer = Path(target).resolve(), Path(word).resolve()
            lies_in = outer.is_dir() and inner.is_relative_to(outer)
        if lies_in:
            raise ConfigError(
                f"The output {target!r} lies in the input {word!r}. Choose a folder outside of it."
            )
