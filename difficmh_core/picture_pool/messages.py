"""What the pool and its workers say to each other: facts in JSON, then bytes.

Nothing here can run code, as a pickle could: a worker that a picture took over says no more than
these messages hold.
"""

import io
import json
import struct
from typing import Any

_HEAD = struct.Struct(">II")
_MAX_FACTS = 64 << 10


def send(stream: io.BufferedIOBase, facts: dict[str, Any], data: bytes = b"") -> None:
    """Write a message."""
    written = json.dumps(facts).encode()
    stream.write(_HEAD.pack(len(written), len(data)) + written)
    stream.write(data)
    stream.flush()


def receive(stream: io.BufferedIOBase, max_bytes: int) -> tuple[dict[str, Any], bytes]:
    """Read a message.

    Args:
        stream: Where from.
        max_bytes: Most bytes of data that are taken.

    Raises:
        EOFError: If the other side is gone.
        ValueError: If it says what it must not.
    """
    n_facts, n_bytes = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if n_facts > _MAX_FACTS or n_bytes > max_bytes:
        raise ValueError(f"a message of {n_facts} and {n_bytes} bytes is too long")
    try:
        facts = json.loads(_exactly(stream, n_facts))
    except RecursionError as error:
        raise ValueError("a message is nested too deep") from error
    if not isinstance(facts, dict):
        raise ValueError("a message holds no facts")
    return facts, _exactly(stream, n_bytes)


def _exactly(stream: io.BufferedIOBase, n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError
    return data
