"""What of the server is reached, and what a message may hold."""

import socket
import uuid

import httpx
import pytest
from gradio import processing_utils

from difficmh_core.ui.runtime import texts

CLOSED = (
    *("gradio_api/token", "gradio_api/proxy=https://example.org/", "gradio_api/deep_link"),
    *("gradio_api/custom_component/a/client/component/index.js", "gradio_api/runs", "monitoring"),
    *("gradio_api/stream/a/1/1/playlist.m3u8", "gradio_api/vibe-code", "gradio_api/dev/reload"),
    *("gradio_api/file=https://example.org/a.png", "file=/etc/passwd", "docs", "no-such-page"),
)
OPEN = ("", "config", "theme.css", "gradio_api/info", "gradio_api/app_id", "gradio_api/mcp/schema")


@pytest.mark.parametrize("path", CLOSED)
def test_what_the_page_does_not_need_is_not_there(http_client, path):
    answer = http_client.get(path)
    assert answer.status_code in (403, 404)
    assert answer.json()["detail"] in (texts.NOT_SERVED, texts.NOT_AN_UPLOAD)


@pytest.mark.parametrize("path", OPEN)
def test_what_the_page_needs_is_there(http_client, path):
    assert http_client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("gradio_api/mcp/messages/", "gradio_api/mcp/sse"),
        *("gradio_api/component_server", "gradio_api/process_recording", "gradio_api/vibe-edit"),
    ],
)
def test_what_the_page_does_not_need_takes_nothing(http_client, path):
    assert http_client.post(path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"data": [NaN]}', 400),
        (b'{"data": [1e999]}', 400),
        ('{"data": []}'.encode("utf-16"), 400),
        (b'{"data": ["' + b"a" * (1 << 20) + b'"]}', 413),
    ],
)
def test_a_message_that_is_no_plain_json_is_refused(http_client, body, status):
    headers = {"content-type": "application/json"}
    answer = http_client.post("gradio_api/queue/join", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_message_that_names_a_crowd_of_files_is_refused(http_client):
    body = {"data": [{"path": f"/a/{number}"} for number in range(100)]}
    answer = http_client.post("gradio_api/call/info", json=body)
    assert (answer.status_code, "16 files" in answer.json()["detail"]) == (422, True)


def test_a_body_of_unknown_length_is_refused(http_client):
    answer = http_client.post("gradio_api/upload", content=iter([b"a", b"b"]))
    assert (answer.status_code, answer.json()["detail"]) == (411, texts.NO_LENGTH)


def test_an_upload_that_is_too_long_is_refused_before_it_comes(page_url):
    url = httpx.URL(page_url)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {url.host}\r\n"
        f"Content-Type: multipart/form-data; boundary=a\r\nContent-Length: {1 << 40}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4096).decode()
    assert " 413 " in answer.splitlines()[0]


def test_an_upload_for_which_there_is_no_room_is_refused_with_its_sentence(
    http_client, served_page, monkeypatch
):
    monkeypatch.setattr(served_page.files, "_max_bytes", 0)
    answer = http_client.post("gradio_api/upload", files={"files": ("a.png", bytes(3 << 20))})
    assert (answer.status_code, answer.json()["detail"]) == (503, texts.NO_ROOM)


def test_an_own_result_may_be_named_by_its_address(http_client, tiny_file):
    files = {"files": ("a.dicmh", b"no file")}
    (path,) = http_client.post("gradio_api/upload", files=files).json()
    for named in (path, f"https://any.example/gradio_api/file={path}"):
        body = {"data": [{"path": named}], "session_hash": uuid.uuid4().hex}
        assert http_client.post("gradio_api/call/info", json=body).status_code == 200
    body = {"data": [{"path": f"https://any.example/gradio_api/file={path}x"}]}
    assert http_client.post("gradio_api/call/info", json=body).status_code == 403


def test_names_of_uploads_hold_a_key_of_this_process(http_client):
    """With the key that lies beside Gradio's source, anybody could compute them."""
    (path,) = http_client.post("gradio_api/upload", files={"files": ("a.txt", b"a")}).json()
    assert processing_utils.hash_seed != processing_utils.get_hash_seed().encode()
    assert len(processing_utils.hash_seed) == 64
    assert path.split("/")[-2] != ""
