"""What stands before Gradio: headers for browsers, and no answer for other sites' pages."""

import json

import pytest
from gradio_client import Client, handle_file
from starlette.datastructures import Headers

from difficmh_core.ui.runtime import texts
from difficmh_core.ui.server.headers import FILE_POLICY, page_policy
from difficmh_core.ui.server.origins import is_foreign

EVIL = {"Origin": "https://evil.example"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def upload(http_client):
    """Upload a file as a program does, and return its address."""

    def send(name, data):
        answer = http_client.post("gradio_api/upload", files={"files": (name, data)})
        (path,) = answer.json()
        return f"gradio_api/file={path}"

    return send


@pytest.mark.parametrize("path", ["", "config", "theme.css", "gradio_api/info", "no-such-page"])
def test_every_answer_has_the_headers(http_client, path):
    headers = http_client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == page_policy()
    assert "camera=(self), microphone=()" in headers["Permissions-Policy"]


def test_only_named_sites_may_frame_the_page():
    assert page_policy().endswith("; frame-ancestors 'self'")
    framed = page_policy(["https://huggingface.co", "https://*.hf.space"])
    assert framed.endswith("frame-ancestors 'self' https://huggingface.co https://*.hf.space")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.html", None),
        ("drawing.svg", None),
        ("sound.wav", None),
        ("notes.txt", None),
        ("program.js", None),
        ("photo.png", "image/png"),
        ("photo.jpg", "image/jpeg"),
        ("photo.webp", "image/webp"),
    ],
)
def test_a_visitors_file_is_downloaded_unless_it_is_a_picture(http_client, upload, name, kind):
    answer = http_client.get(upload(name, b"<script>alert(1)</script>"))
    assert answer.headers["Content-Security-Policy"] == FILE_POLICY
    disposition = answer.headers["Content-Disposition"]
    if kind is None:
        assert disposition.startswith("attachment")
        assert name in disposition
    else:
        assert answer.headers["Content-Type"] == kind
        assert disposition.startswith("inline")


def test_a_part_of_a_file_is_as_safe_as_the_whole(http_client, upload):
    answer = http_client.get(upload("page.html", b"<script>"), headers={"Range": "bytes=0-3"})
    assert answer.status_code == 206
    assert answer.headers["Content-Security-Policy"] == FILE_POLICY
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("method", "path", "extra"),
    [
        ("GET", "config", {}),
        ("GET", "config", {"Host": "codec.example", "Cookie": "access-token=1"}),
        ("OPTIONS", "gradio_api/queue/join", {"Access-Control-Request-Method": "POST"}),
        ("POST", "gradio_api/queue/join", JSON),
        ("POST", "gradio_api/queue/join", {"Content-Type": "text/plain"}),
        ("POST", "gradio_api/call/info", {"Content-Type": "text/plain"}),
        ("POST", "gradio_api/mcp/", JSON),
        ("POST", "login", {}),
    ],
)
def test_a_foreign_origin_is_refused_and_may_read_nothing(http_client, method, path, extra):
    body = json.dumps({"data": [None], "fn_index": 0, "session_hash": "abc"}).encode()
    answer = http_client.request(method, path, headers=EVIL | extra, content=body)
    assert answer.status_code == 403
    assert answer.text == texts.FOREIGN_REQUEST
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_foreign_page_uploads_nothing(http_client, served_files):
    before = served_files()
    answer = http_client.post(
        "gradio_api/upload", headers=EVIL, files={"files": ("foreign.png", b"foreign")}
    )
    assert answer.status_code == 403
    assert served_files() == before


def test_the_pages_own_requests_pass(http_client, page_url):
    own = {"Origin": page_url.rstrip("/")}
    for headers in (own, {"Sec-Fetch-Site": "same-origin"} | own, {"Sec-Fetch-Site": "none"}):
        assert http_client.get("config", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "headers", "foreign"),
    [
        ("POST", {}, False),  # a program
        ("POST", {"origin": "null", "host": "a.example"}, True),
        ("POST", {"origin": "https://a.example", "host": "a.example"}, False),
        ("POST", {"origin": "https://a.example", "host": "A.example:443"}, False),
        ("POST", {"origin": "http://a.example:81", "host": "a.example:80"}, True),
        ("POST", {"origin": "https://a.example", "host": "127.0.0.1:7860"}, True),
        ("POST", {"origin": "https://known.example", "host": "127.0.0.1:7860"}, False),
        (
            "POST",
            {
                "origin": "https://a.example",
                "host": "127.0.0.1:7860",
                "x-forwarded-host": "a.example, inner.example",
            },
            False,
        ),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, True),
        ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, True),
        (
            "GET",
            {
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "embed",
            },
            True,
        ),
        ("POST", {"sec-fetch-mode": "cors"}, False),  # a program on Node.js
    ],
)
def test_who_is_foreign(method, headers, foreign):
    assert is_foreign(method, Headers(headers), public_host="known.example") is foreign


def test_a_client_calls_the_page(page_url, tiny_file):
    client = Client(page_url, verbose=False)
    told = client.predict(handle_file(str(tiny_file)), api_name="/info")
    assert told["n_bytes"] == tiny_file.stat().st_size
    client.close()
