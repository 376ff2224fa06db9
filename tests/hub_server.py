"""A small server that speaks the hub's protocol for downloads, on this machine."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Hub", "serving"]

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_STORE = "/store"
_LARGE = 10_000
"""From so many bytes on, a file is announced by its SHA-256, as the hub does."""


class Hub(ThreadingHTTPServer):
    """Serves files as the hub does.

    Attributes:
        files: Their contents, by the path of the address.
        etag: Announced instead of the right checksum.
        refusal: Status and error code of every answer, if nothing is given.
        cut_after: Bytes after which the connection is cut; the server is gone then.
        ranges: The first byte of each body that was sent.
        has_store: Whether large files come from another address, to which the hub redirects.
        tokens: Of each request, its path and whether it carried the user's token.
    """

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
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
        goes_on = hub.has_store and path == self.path and len(content) >= _LARGE
        wanted = self.headers.get("Range")
        first = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        body = b"" if goes_on else content[first:]
        etag = hub.etag or _checksum(content)
        self.send_response(302 if goes_on else 206 if wanted else 200)
        if goes_on:
            # Another name of this machine: to the client it is another host, as it is in life.
            store = hub.endpoint.replace("127.0.0.1", "localhost")
            self.send_header("Location", store + _STORE + path)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("X-Repo-Commit", _COMMIT)
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if has_body and not goes_on:
            hub.ranges.append(first)
            self.wfile.write(body if hub.cut_after is None else body[: hub.cut_after])
            self.close_connection = True
            if hub.cut_after is not None:
                hub.refusal = 500, ""


def _checksum(content: bytes) -> str:
    if len(content) >= _LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """Serve files until the block ends."""
    with Hub(files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
