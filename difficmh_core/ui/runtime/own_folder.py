"""A folder of this process alone for what visitors send and get; nothing of it outlives the page.

No import of Gradio here: Gradio reads where files go when it is imported.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


_VARIABLE = "GRADIO_TEMP_DIR"
_PREFIX = "difficmh-"
_LOCK = "in-use"
_HAS_LOCKS = sys.platform != "win32"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make the folder, let Gradio and the standard library use it, and delete it at the end.

    It lies in the folder that ``GRADIO_TEMP_DIR`` names, or among the system's temporary files.
    Folders that a process left which was killed are deleted first.

    Yields:
        Where Gradio keeps and serves files.

    Raises:
        OSError: If it cannot be made.
    """
    parent = Path(os.environ.get(_VARIABLE) or tempfile.gettempdir()).resolve()
    parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # nobody else may look into it
    lock = _lock_in(folder)
    served, passing = folder / "served", folder / "passing"
    served.mkdir()
    passing.mkdir()
    os.environ[_VARIABLE] = str(served)
    tempfile.tempdir = str(passing)  # uploads lie here until they are complete
    try:
        yield served
    finally:
        tempfile.tempdir = None
        del os.environ[_VARIABLE]
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)  # a file may just be written; we are leaving


def _lock_in(folder: Path) -> int:
    """Mark a folder as in use for as long as what is returned stays open.

    The mark gets its name once it is locked: only then could another page take the folder for
    abandoned.
    """
    if not _HAS_LOCKS:
        return os.open(folder / _LOCK, os.O_CREAT | os.O_WRONLY)
    unnamed = folder / f".{_LOCK}"
    lock = _locked(unnamed, os.O_CREAT | os.O_WRONLY)
    unnamed.rename(folder / _LOCK)
    return lock


def _locked(path: Path, flags: int) -> int:
    """Open a file and lock it for as long as it is open; raises ``OSError`` if it is locked."""
    lock = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _delete_abandoned(parent: Path) -> None:
    """Delete folders of pages that are no more: their mark is free."""
    for path in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            if _HAS_LOCKS:
                lock = _locked(path, os.O_WRONLY)
            else:
                path.unlink()  # which Windows refuses for a file that is open
        except OSError:  # in use, or another user's
            continue
        shutil.rmtree(path.parent, ignore_errors=True)  # what stays is another user's
        if _HAS_LOCKS:
            os.close(lock)
