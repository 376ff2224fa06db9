"""A small server that speaks the hub's protocol for downloads, on this machine."""

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

__all__ = ["Hub", "checksum_of", "serving"]

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_STORE = "/store"
_BLOCK = 2**20  # of a file on disk, read at a time [bytes]
_LARGE = 10_000
"""From so many bytes on, a file is announced by its SHA-256, as the hub does."""


class Hub(ThreadingHTTPServer):
    """Serves files as the hub does.

    Attributes:
        files: Their contents, by the path of the address: bytes, or a file on disk of any size.
        etag: Announced instead of the right checksum.
        refusal: Status and error code of every answer, if nothing is given.
        cut_after: Bytes after which a longer body is cut off; the server is gone then.
        ranges: The first byte of each body that was sent.
        has_store: Whether large files come from another address, to which the hub redirects.
        tokens: Of each request, its path and whether it carried the user's token.
    """

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes | Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.etag: str | None = None
        self.refusal: tuple[int, str] | None = None
        self.cut_after: int | None = None
        self.ranges = list[int]()
        self.has_store = False
        self.tokens = list[tuple[str, bool]]()

    @property
    def endpoint(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def _answer(self, *, has_body: bool) -> None:
        hub = self.server
        hub.tokens.append((self.path, "Authorization" in self.headers))
        path = self.path.removeprefix(_STORE)
        if hub.refusal is not None or path not in hub.files:
            status, code = hub.refusal or (404, "EntryNotFound")
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = hub.files[path]
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        goes_on = hub.has_store and path == self.path and size >= _LARGE
        wanted = self.headers.get("Range")
        first, last = _range(wanted, size) if wanted else (0, size - 1)
        n_body = 0 if goes_on else last + 1 - first
        etag = hub.etag or checksum_of(content)
        self.send_response(302 if goes_on else 206 if wanted else 200)
        if goes_on:
            # Another name of this machine: to the client it is another host, as it is in life.
            store = hub.endpoint.replace("127.0.0.1", "localhost")
            self.send_header("Location", store + _STORE + path)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(size))
        self.send_header("X-Repo-Commit", _COMMIT)
        self.send_header("Content-Length", str(n_body))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if has_body and not goes_on:
            hub.ranges.append(first)
            with _opened(content) as body:
                body.seek(first)
                is_cut = hub.cut_after is not None and n_body > hub.cut_after
                self._send(body, hub.cut_after if is_cut else n_body)
            self.close_connection = True
            if is_cut:
                hub.refusal = 500, ""

    def _send(self, body: BinaryIO, n_bytes: int) -> None:
        while n_bytes > 0 and (block := body.read(min(n_bytes, _BLOCK))):
            self.wfile.write(block)
            n_bytes -= len(block)


def _range(wanted: str, size: int) -> tuple[int, int]:
    """Return the first and the last byte of a range: ``bytes=5-``, ``bytes=5-9``, ``bytes=-9``."""
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _opened(content: bytes | Path) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def checksum_of(content: bytes | Path) -> str:
    """Return what the hub announces; a large file's takes a while the first time."""
    if isinstance(content, Path):
        status = content.stat()
        return _checksum_of_file(content, status.st_size, status.st_mtime_ns)
    if len(content) >= _LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@cache
def _checksum_of_file(path: Path, size: int, _: int) -> str:
    """Return what the hub announces, computed once for each version of a file."""
    if size < _LARGE:
        return checksum_of(path.read_bytes())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def serving(files: Mapping[str, bytes | Path]) -> Iterator[Hub]:
    """Serve files until the block ends."""
    with Hub(files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
