"""Files by their address: only public places, only so long, only so much; off by default."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import httpx
import pytest

from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.server.fetching import AddressError, Fetcher, is_address, is_public

MAX_BYTES = 1000


class Site(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(404 if self.path == "/absent" else 200)
        self.end_headers()
        n_bytes = MAX_BYTES + 1 if self.path == "/large" else 10
        for _ in range(n_bytes):
            self.wfile.write(b"a")
            if self.path == "/slow":
                time.sleep(0.2)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.asked = []
    server.address = f"http://127.0.0.1:{server.server_port}"
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(fetcher: Fetcher, url: str) -> str:
    """Fetch in another thread: in this one a browser test may have left a running loop."""
    with ThreadPoolExecutor(max_workers=1) as other:
        return other.submit(anyio.run, fetcher.fetch, url).result()


@pytest.fixture
def files(tmp_path) -> ServedFiles:
    return ServedFiles(tmp_path)


@pytest.fixture
def fetch(files, site):
    """Fetch with a rule under which the site's own address, and no other, is public."""
    fetcher = Fetcher(
        files,
        max_bytes=MAX_BYTES,
        max_s=1.0,
        is_allowed=lambda address: address == "127.0.0.1",
        ports=(site.server_port,),
    )
    return lambda url: run(fetcher, url)


def test_a_file_is_kept_as_if_it_had_been_uploaded(fetch, files, site):
    path = fetch(f"{site.address}/photos/a%20cat.png")
    assert files.path_of(path).read_bytes() == b"a" * 10
    assert path.endswith("/a cat.png")
    files.delete_upload(files.path_of(path))


def test_a_redirect_is_followed(fetch, files, site):
    path = fetch(f"{site.address}/to//photos/a.png")
    assert files.path_of(path).name == "a.png"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/absent", "status 404"),
        ("/large", "larger than the limit of 0.0 MB"),
        ("/slow", "within 1 s"),
        ("/to//to//to//to//a", "too often"),
        ("/to/http://127.0.0.2/a", "not a public one"),
        ("/to/http://localhost:1/a", "not a public one"),
        ("/to/file:///etc/passwd", "not a public one"),
        ("/to/ftp://127.0.0.1/a", "not a public one"),
    ],
)
def test_what_is_not_fetched_is_said(fetch, site, path, words):
    with pytest.raises(AddressError, match=words):
        fetch(f"{site.address}{path}")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a",
        "http://localhost/a",
        "http://[::1]/a",
        "http://[::ffff:127.0.0.1]/a",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/a",
        "http://0.0.0.0/a",
        "http://2130706433/a",
        "http://0x7f.1/a",
        "https://user:word@example.org/a",
        "http://example.org:22/a",
        "file:///etc/passwd",
        "http:///a",
        "http://example.org:port/a",
    ],
)
def test_nothing_of_this_neighborhood_is_asked(files, url):
    with pytest.raises(AddressError, match=r"not a public one|does not answer"):
        run(Fetcher(files, max_bytes=MAX_BYTES), url)


def test_a_name_that_leads_to_a_private_address_is_refused_where_it_connects(files, monkeypatch):
    """One answer of the name server decides, and that very address would be connected to."""

    async def answer(*_args, **_kwargs):
        return [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(anyio, "getaddrinfo", answer)
    with pytest.raises(AddressError, match="not a public one"):
        run(Fetcher(files, max_bytes=MAX_BYTES), "http://example.org/a")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1"),
        *("fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::a00:1"),
        *("2002:7f00:1::", "2001:0:1::1", "2001:db8::1"),
    ],
)
def test_such_an_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_such_an_address_is_public(address):
    assert is_public(address)


def test_addresses_are_told_from_names():
    assert is_address("https://example.org/a")
    assert not is_address("/tmp/gradio/a")
    assert not is_address({"path": "https://example.org"})


def test_unless_its_host_turns_it_on_the_page_asks_no_address(page_url, site):
    body = {"data": [{"path": f"{site.address}/a.png"}]}
    answer = httpx.post(f"{page_url}gradio_api/call/info", json=body)
    assert answer.status_code == 403
    assert site.asked == []
