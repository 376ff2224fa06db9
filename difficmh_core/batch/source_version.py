"""What tells that a file has changed, without reading it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

_WORDS = (
    *("md5Hash", "content_md5", "Content-MD5", "ETag", "etag", "checksum", "blob_id"),
    *("sha", "hex", "CRC", "mtime", "LastModified", "last_modified", "Last-Modified", "updated"),
    *("modified", "modify", "modificationTime", "created"),
)
"""Under which fsspec's storages list what changes with a file's content, the best first."""


def version_here(path: Path) -> str:
    """The size and the time of the last change of a file of this machine."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""  # it has just gone, as reading it will tell
    return f"{status.st_size} {status.st_mtime_ns}"


def version_of(facts: Mapping[str, Any]) -> str:
    """The version in what a storage lists of a file; each kind has its own words for it.

    The size alone if the storage tells nothing else that changes with the content, and empty if
    it does not even tell that.
    """
    told = [facts[word] for word in _WORDS if facts.get(word) is not None]
    if not told:
        return str(facts.get("size") or "")
    best = told[0].timestamp() if isinstance(told[0], datetime) else told[0]
    return f"{facts.get('size')} {best}"
