"""Files on storage that fsspec knows, whole or not at all where the storage can.

Such storage as S3 shows an object once it was sent to its end. Storage that writes in place
(``sftp://``, ``smb://``, ``hdfs://``) would show, and keep, half of a file when the connection
breaks; there the bytes go into a file of another name, which is then renamed. What a killed run
leaves of such a file carries the time at which it was begun in its name.
"""

import re
import secrets
import time
from contextlib import suppress
from functools import lru_cache
from typing import Any

_PART = re.compile(r"\.([0-9a-f]{12})-[0-9a-f]{8}\.part")
_MOST_FOLDERS = 10_000  # that are remembered to be there


def write_to_storage(storage: Any, path: str, data: bytes) -> None:  # noqa: ANN401 (fsspec's)
    """Write a file.

    Args:
        storage: A file system of fsspec's.
        path: Where to, on that file system; folders on the way are made.
        data: What the file shall hold.

    Raises:
        OSError: If it cannot be written; where files are renamed, an older one stays.
    """
    folder = path.rpartition("/")[0]
    _make_folder(storage, folder)
    if not has_rename(storage):
        storage.pipe_file(path, data)
        return
    part = f"{folder}/{_part_name()}"
    try:
        storage.pipe_file(part, data)
        _rename(storage, part, path)
    except BaseException:
        with suppress(OSError):
            storage.rm_file(part)
        raise


def has_rename(storage: Any) -> bool:  # noqa: ANN401
    """Tell whether files can be renamed, not only copied and removed."""
    import fsspec

    return type(storage).mv is not fsspec.AbstractFileSystem.mv


def part_age_s(name: str) -> float | None:
    """How long ago a file was begun that :func:`write_to_storage` would rename at its end [s].

    Args:
        name: Its name, with or without folders.

    Returns:
        ``None`` for any other file.
    """
    match = _PART.fullmatch(name.rpartition("/")[2])
    return None if match is None else time.time() - int(match[1], 16)


def _part_name() -> str:
    return f".{int(time.time()):012x}-{secrets.token_hex(4)}.part"


@lru_cache(maxsize=_MOST_FOLDERS)
def _make_folder(storage: Any, folder: str) -> None:  # noqa: ANN401
    """Make a folder once: on S3, asking whether it is there costs as much as a file."""
    storage.makedirs(folder, exist_ok=True)


def _rename(storage: Any, part: str, path: str) -> None:  # noqa: ANN401
    try:
        storage.mv(part, path)
    except OSError:
        if not storage.exists(path):
            raise
    if storage.exists(part):
        # SMB refuses, and HDFS says nothing, where a file has the name already.
        storage.rm_file(path)
        storage.mv(part, path)
