"""A browser where there is one, and the program with nano."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import PACKAGE_CARDS
from difficmh_core.weights.network_card import NANO_FOLDER
from tests.e2e.actions import follow
from tests.e2e.program import Program, running_program

CHROMIUM = Path("/usr/bin/chromium")
TIMEOUT_MS = 25_000


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[Program]:
    """The program with nano."""
    has_weights = list(NANO_FOLDER.glob("*.safetensors")) and all(
        is_cached(card, cache_folder()) for card in PACKAGE_CARDS
    )
    if not has_weights:
        pytest.skip("nano's weights are absent; run `python -m difficmh_core fetch`")
    with running_program(tmp_path_factory.mktemp("program")) as program:
        yield program


@pytest.fixture(scope="session")
def app_url(app) -> str:
    return app.url


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests, so that the page's scripts are loaded once."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def visit(window, page_url):
    """Return a function that opens the page; at the end, the console must be free of errors."""
    pages, complaints = [], []

    def open_page(width=1280, height=900, url=page_url):
        page = window.new_page()
        pages.append(page)
        follow(page)
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#photo input[type=file]", state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def _note(complaints, message):
    if message.type == "error":
        complaints.append(message.text)
