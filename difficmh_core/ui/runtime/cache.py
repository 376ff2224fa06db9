"""Results that are kept, so that the same file with the same settings is decoded once.

Two tiers: memory, for everybody, for as long as the page may keep a visitor's pictures; and a
folder for the examples, filled by :mod:`difficmh_core.ui.showcase`, from which a presenter shows
them without a GPU or a network. Keys are digests of everything that decides the result.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetools import TTLCache

from difficmh_core._support.atomic_files import write_whole

LIFETIME_S = 600.0
"""What a visitor made is forgotten after this time [s]."""
MAX_BYTES = 96 << 20
"""What memory holds at most [bytes]; the longest unused goes first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One result.

    Attributes:
        data: A file: a ``.dicmh``, or the PNG of a decoded picture; empty if there is none.
        facts: What belongs to it; what JSON can hold.
    """

    data: bytes
    facts: Mapping[str, Any]


def key_of(*parts: object) -> str:
    """Return a digest of everything that decides a result.

    >>> key_of("decode", 1) == key_of("decode", 1)
    True
    >>> key_of("decode", 1) == key_of("decode", 2)
    False
    """
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()


class ResultCache:
    """Results by their keys; threads may share it."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        lifetime_s: float = LIFETIME_S,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with an empty memory.

        Args:
            folder: Where the examples' results lie; ``None`` for memory only.
            lifetime_s: How long memory keeps a result [s].
            max_bytes: What memory holds at most [bytes].
            clock: Tells the time [s].
        """
        self._folder = folder
        self._entries = TTLCache[str, Entry](
            max_bytes, lifetime_s, timer=clock, getsizeof=lambda entry: len(entry.data)
        )
        self._lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        """Return a result, if it is still kept."""
        with self._lock:
            self._entries.expire()  # also what nobody asks for
            entry = self._entries.get(key)
        return self._read(key) if entry is None else entry

    def put(self, key: str, entry: Entry, *, for_good: bool = False) -> None:
        """Keep a result.

        Args:
            key: Of :func:`key_of`.
            entry: The result.
            for_good: Whether it goes to the folder too; only for what is no visitor's.
        """
        with self._lock:
            if len(entry.data) <= self._entries.maxsize:
                self._entries[key] = entry
        if for_good and self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(entry.data, self._folder / f"{key}.data")
            write_whole(json.dumps(entry.facts).encode(), self._folder / f"{key}.json")

    def _read(self, key: str) -> Entry | None:
        if self._folder is None:
            return None
        facts = self._folder / f"{key}.json"  # written last, so that its data is there
        if not facts.is_file():
            return None
        data = (self._folder / f"{key}.data").read_bytes()
        return Entry(data=data, facts=json.loads(facts.read_text(encoding="utf-8")))
