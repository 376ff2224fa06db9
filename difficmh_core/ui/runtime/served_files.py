"""The files that the page keeps for its visitors, and the one door for those that callers name.

A caller never gives a path; a caller gives back a name that this server handed out, of an upload
or of a result. Only such a name becomes a path, by :meth:`ServedFiles.path_of`; whatever else
comes is refused with the same sentence, whether there is a file behind it or not.

Names cannot be guessed: they hold a keyed hash of the content, whose key is drawn anew at every
start. Gradio files uploads in the same way, but keeps its key beside its own source, in every
copy of a container's image: :func:`draw_new_names` gives it one of this process.
"""

import errno
import hashlib
import hmac
import math
import os
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableSet, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from gradio import processing_utils
from gradio.data_classes import FileData

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.errors import DiffICMHError
from difficmh_core.ui.runtime import texts

KEEP_S = 540.0
"""After this time a file goes [s]; looked for every minute, so that none is kept for ten."""
MAX_BYTES = 4 << 30
"""What all files of visitors together may take [bytes]; uploads beyond it are refused."""
MAX_READ = 256
"""Uploads that are remembered once they are deleted, in case two visitors bring the same."""
_MEASURED_FOR_S = 1.0
"""For how long what the files take counts as known [s]."""
_KEPT_FREE_BYTES = 64 << 20
"""Of the disk, for what is made of an upload."""
_FILE_ROUTE = "/gradio_api/file="
"""In the address of a result; whatever the host is called, only names from here lead to a file."""
_MAX_NAME = 4096
"""Of a path, by Linux [characters]."""
_KEYED = re.compile(r"[0-9a-f]{64}")
_MAX_TRIES = 5
_KEY = secrets.token_bytes(32)


class ForeignFileError(DiffICMHError):
    """A caller named something that this server has not handed out, or has deleted since."""

    def __init__(self) -> None:
        """Say the same in every case, so that an answer tells nothing about other files."""
        super().__init__(texts.NOT_AN_UPLOAD)


class FullError(DiffICMHError):
    """Visitors' files take as much room as they may."""


class ServedFiles:
    """A folder from which the page serves, and all names of files in it that were handed out."""

    def __init__(
        self,
        folder: Path,
        *,
        examples: Iterable[Path] = (),
        uploads: MutableSet[str] | None = None,
        shown: Sequence[MutableSet[str]] = (),
        max_bytes: int = MAX_BYTES,
        keep_s: float = KEEP_S,
    ) -> None:
        """Begin with what lies in the folder.

        Args:
            folder: Where files lie; all in it is this page's.
            examples: Files of the page's own, which are copied and stay.
            uploads: Names of what visitors sent; Gradio adds to it.
            shown: Names of what the page's components show, which Gradio keeps, too.
            max_bytes: What files may take together [bytes].
            keep_s: After this time a file goes [s].
        """
        self.folder = folder.resolve()
        self.made = set[str]()
        """Names of results."""
        self.examples = tuple(self.save(path.read_bytes(), path.name) for path in examples)
        """Names of the page's own files."""
        self._uploads = set[str]() if uploads is None else uploads
        self._read = OrderedDict[str, object]()
        self.keep_s = keep_s
        self._shown = shown
        self._max_bytes = max_bytes
        self._held = self._coming = 0
        self._measured_at = -math.inf
        self._lock = threading.Lock()

    def path_of(self, named: object) -> Path:
        """Find the file that a caller names.

        The file may be gone; whoever opens it says so with :class:`ForeignFileError`, too.

        Args:
            named: As it came: a name, the address under which this server shows it, or Gradio's
                record of a file with either in it.

        Raises:
            ForeignFileError: If this server has not handed out such a name.
        """
        name = _name_in(named)
        if name is None or not self._is_known(name):
            raise ForeignFileError
        path = Path(name)
        if path.is_symlink():  # nobody but this process writes here, so this cannot happen
            raise ForeignFileError
        return path

    def check_shown(self, name: str) -> None:
        """Refuse to serve what was neither handed out nor shown, wherever it lies.

        Args:
            name: Of a file, as a browser asks for it.

        Raises:
            ForeignFileError: If it is none of them.
        """
        name = _as_here(name)
        if not any(name in names for names in self._shown):
            self.path_of(name)

    def delete_upload(self, path: Path, read: object = None) -> None:
        """Delete what a visitor sent; its name stays known for a while.

        Args:
            path: The upload.
            read: What was read in it, for :meth:`read_in`.
        """
        name = str(path)
        if name not in self._uploads or self._is_result(path):
            return
        if not _delete(path):
            return
        for names in (self._uploads, *self._shown):
            names.discard(name)
        with self._lock:
            self._read[name] = read
            while len(self._read) > MAX_READ:
                self._read.popitem(last=False)

    def read_in(self, path: Path) -> object:
        """Tell what was read in an upload before it was deleted, if that is still known."""
        with self._lock:
            return self._read.get(str(path))

    def save(self, data: bytes, name: str) -> str:
        """Write a file where the page serves it from, and return the name to hand out.

        Args:
            data: Its bytes.
            name: What visitors see; what no file system takes is left out of it.

        Raises:
            FullError: If the disk is full.
        """
        path = self.folder / _digest(data) / _plain(name)
        try:
            _write_or_touch(data, path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise FullError(texts.NO_ROOM) from error
        self.made.add(str(path))
        return str(path)

    def store_upload(self, data: bytes, name: str) -> str:
        """Write what was fetched for a caller as if it had been uploaded; as :meth:`save`."""
        path = self.save(data, name)
        self._uploads.add(path)
        return path

    @contextmanager
    def room_for(self, n_bytes: int) -> Iterator[None]:
        """Keep room for an upload while it comes.

        Args:
            n_bytes: Its size [bytes].

        Raises:
            FullError: If there is none, here or on the disk.
        """
        with self._lock:
            if time.monotonic() - self._measured_at > _MEASURED_FOR_S:
                self._held = sum(map(_size, self._files()))
                self._measured_at = time.monotonic()
            coming = self._coming + n_bytes
            free = shutil.disk_usage(self.folder).free
            if self._held + coming > self._max_bytes or coming + _KEPT_FREE_BYTES > free:
                raise FullError(texts.NO_ROOM)
            self._coming = coming
        try:
            yield
        finally:
            with self._lock:
                self._coming -= n_bytes

    def sweep(self) -> None:
        """Delete what is old, and folders that were left empty.

        Gradio's own deletion (``delete_cache``) leaves folders and what assistants send, and ends
        for good when a visitor comes while it looks through its list.
        """
        oldest = time.time() - self.keep_s
        for path in self._files():
            is_due = str(path) not in self.examples and _is_older(path, oldest)
            if is_due and _delete(path):
                for names in (self.made, self._uploads, *self._shown):
                    names.discard(str(path))
        for folder in self.folder.iterdir():
            if folder.is_dir() and _is_older(folder, oldest):
                _remove_if_empty(folder)

    def _files(self) -> Iterator[Path]:
        """Yield all files; other threads may add and delete some meanwhile."""
        for folder, _, names in os.walk(self.folder):  # which passes over what is gone
            yield from (Path(folder, name) for name in names)

    def _is_known(self, name: str) -> bool:
        handed_out = (self._uploads, self._read)
        return any(name in names for names in handed_out) or self._is_result(Path(name))

    def _is_result(self, path: Path) -> bool:
        """Tell whether :meth:`save` wrote a file, perhaps in a process that borrowed a GPU.

        Its folder's name, which nobody else can compute, tells.
        """
        if path.parent.parent != self.folder or not _KEYED.fullmatch(path.parent.name):
            return False
        try:
            if path.is_symlink() or not path.is_file():
                return False
            return hmac.compare_digest(path.parent.name, _digest(path.read_bytes()))
        except (OSError, ValueError):  # deleted meanwhile, or a name that no file can have
            return False


def address_of(name: str) -> str:
    """Write where the browser finds a file, seen from the page."""
    return f"{_FILE_ROUTE.removeprefix('/')}{name.replace(os.sep, '/')}"


def draw_new_names() -> None:
    """Give Gradio a new key for the names of uploads, known to this process alone."""
    processing_utils.hash_seed = secrets.token_hex(32).encode()


def _digest(data: bytes) -> str:
    return hmac.new(_KEY, data, hashlib.sha256).hexdigest()


def _name_in(named: object) -> str | None:
    if isinstance(named, FileData):
        return named.path
    if isinstance(named, Mapping):
        named = named.get("path")
    if not isinstance(named, str) or len(named) > _MAX_NAME:
        return None
    if not named.startswith(("http://", "https://")):
        return _as_here(named)
    _, _, name = named.partition(_FILE_ROUTE)
    return _as_here(unquote(name))


def _as_here(name: str) -> str:
    """Write a name as this system does: browsers make every backslash of an address a slash."""
    return name.replace("/", os.sep)


def _plain(name: str) -> str:
    """Strip from a file's name what could leave its folder or does not fit into a name.

    >>> _plain("../a/b.png")
    'b.png'
    >>> _plain("..")
    'file'
    """
    plain = "".join(c for c in Path(name).name if c.isprintable() and c not in '<>:"|?*\\')
    stem, suffix = Path(plain).stem, Path(plain).suffix
    while len(os.fsencode(stem + suffix)) > 200:
        stem = stem[:-1]
    return stem + suffix if stem.strip(". ") else f"file{suffix}"


def _write_or_touch(data: bytes, path: Path) -> None:
    """Write a file, or let one that is there live on as long as a new one."""
    for _ in range(_MAX_TRIES):
        try:
            if path.is_file():
                os.utime(path)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(data, path)
        except FileNotFoundError:  # it was old, or its folder empty, and swept just now
            continue
        return
    raise FileNotFoundError(f"the folder {path.parent} is swept again and again")


def _delete(path: Path) -> bool:
    """Delete a file; return whether it is gone. Windows keeps one that is just being sent."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return False
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # deleted meanwhile
        return 0


def _is_older(path: Path, than: float) -> bool:
    """Tell whether something was last written, and last used, before a time [s]."""
    try:
        known = path.lstat()
    except FileNotFoundError:  # deleted meanwhile
        return False
    return max(known.st_mtime, known.st_ctime) < than


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # it is not empty
        return
