"""The page as a host runs it: behind accounts, behind a reverse proxy, watched by Docker."""

import json
import logging
import re
import socket
import subprocess
import sys

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AuthenticationError

from difficmh_core.ui import main
from difficmh_core.ui.arguments import parse_arguments
from difficmh_core.ui.page import build_page
from tests.e2e.actions import decoded, encode
from tests.e2e.program import ROOT
from tests.e2e.proxy import running_proxy
from tests.page_fixtures import MAX_PIXELS

USER, PASSWORD = "ada", "a:long one"
PATH = "/codec"


@pytest.fixture(scope="module")
def hosted_url(codec, cache_dir):
    """The address of a page with an account and a root path, as ``app.py`` launches it."""
    page = build_page(codec, max_pixels=MAX_PIXELS)
    page.launch(
        prevent_thread_lock=True,
        quiet=True,
        accounts=[(USER, PASSWORD)],
        root_path=PATH,
    )
    yield page.demo.local_url
    page.demo.close()


def test_without_the_password_nothing_is_to_be_had(hosted_url):
    for path in ("config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/queue/data"):
        assert httpx.get(hosted_url + path, params={"session_hash": "a"}).status_code == 401, path
    sent = httpx.post(hosted_url + "gradio_api/upload", files={"files": ("a.png", b"a")})
    assert sent.status_code == 401
    wrong = {"username": USER, "password": "guess"}
    assert httpx.post(hosted_url + "login", data=wrong).status_code == 400
    assert httpx.get(hosted_url + "gradio_api/mcp/schema").status_code == 401
    foreign = {"data": [{"path": "/etc/passwd"}]}
    assert httpx.post(hosted_url + "gradio_api/call/info", json=foreign).status_code == 401
    assert httpx.get(hosted_url + "gradio_api/file=/etc/passwd").status_code == 401


def test_a_client_needs_the_password(hosted_url, tiny_file):
    with pytest.raises(AuthenticationError):
        Client(hosted_url, verbose=False)
    client = Client(hosted_url, auth=(USER, PASSWORD), verbose=False)
    told = client.predict(handle_file(str(tiny_file)), api_name="/info")
    assert told["n_bytes"] == tiny_file.stat().st_size
    client.close()


def test_docker_finds_the_page_healthy(hosted_url):
    text = (ROOT / "Dockerfile").read_text()
    (command,) = re.findall(r"HEALTHCHECK .*?CMD (\[.*?\])\n", text, re.DOTALL)
    _, *words = json.loads(command)
    assert "http://127.0.0.1:7860/" in words[-1]
    words[-1] = words[-1].replace("http://127.0.0.1:7860/", hosted_url)
    subprocess.run([sys.executable, *words], check=True, timeout=60)
    words[-1] = words[-1].replace(hosted_url, "http://127.0.0.1:9/")
    assert subprocess.run([sys.executable, *words], check=False, timeout=60).returncode != 0


def test_a_visitor_logs_in_behind_a_proxy(window, hosted_url, photos):
    with running_proxy(hosted_url, PATH) as address:
        page = window.new_page()
        page.goto(address)
        page.get_by_label("username").fill(USER)
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Login").click()
        encode(page, photos["wide"])
        decoded(page)
        sources = page.eval_on_selector_all("#comparison img", "images => images.map(i => i.src)")
        assert sources
        assert all(source.startswith(address) for source in sources)
        page.close()


def test_a_port_that_is_taken_meanwhile_is_said_in_a_sentence(codec, caplog):
    arguments = parse_arguments([], {})
    with socket.socket() as taken, caplog.at_level(logging.ERROR):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments.port = taken.getsockname()[1]
        assert main.serve(build_page(codec), arguments) == 2
    (message,) = caplog.messages
    assert message.startswith(f"Port {arguments.port} was free before and is in use now.")
