"""Files that appear whole or not at all."""

import os
import re
import secrets
from pathlib import Path

_N_RANDOM = 8  # bytes of a temporary file's name
_PART = ".part"


def is_part(path: Path) -> bool:
    """Tell whether a file has the name of one that :func:`write_whole` is writing."""
    return re.fullmatch(rf"\.[0-9a-f]{{{2 * _N_RANDOM}}}\{_PART}", path.name) is not None


def check_writable(path: Path) -> None:
    """Refuse a target that :func:`write_whole` could not replace, before long work begins.

    Raises:
        OSError: If the folder does not exist or cannot be written to, or if the path names a
            folder, a device, or a file that is write-protected.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} does not exist")
    if path.exists() and not path.is_file():
        # Replacing a device such as /dev/null by a file would damage the system.
        raise OSError("it is not a regular file")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise PermissionError("it is write-protected")


def write_whole(data: bytes, path: Path) -> None:
    """Write a file so that nobody ever sees a part of it.

    The bytes go into a temporary file in the same folder, which then takes the target's name in
    one step. Whatever fails, an older file of that name stays as it was.

    Args:
        data: What the file shall hold.
        path: The file to be written; what a symbolic link points to, if it is one.

    Raises:
        OSError: If the target cannot be written.
    """
    check_writable(path)
    target = path.resolve()
    temporary = target.parent / f".{secrets.token_hex(_N_RANDOM)}{_PART}"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
