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

__all__ = ["own_folder"]

_VARIABLE = "GRADIO_TEMP_DIR"
_PREFIX = "difficmh-"
_LOCK = "in-use"


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
    parent = Path(os.environ.get(_VARIABLE) or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # nobody else may look into it
    with (folder / _LOCK).open("w") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
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
            shutil.rmtree(folder, ignore_errors=True)  # a file may just be written; we are leaving


def _delete_abandoned(parent: Path) -> None:
    """Delete folders of pages that are no more: their lock is free."""
    if sys.platform == "win32":
        return
    for lock_path in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            with lock_path.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_path.parent)
        except OSError:  # in use, or another user's
            continue
