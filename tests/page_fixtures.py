"""The page around the real tiny codec, the program with nano, and a browser where there is one."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.models.load import NANO_FOLDER
from difficmh_core.picture_pool import PicturePool
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.page import Page, build_page
from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.weights.cache import default_cache_dir, is_cached
from difficmh_core.weights.cards import PACKAGE_CARDS
from tests.e2e.program import running_program

CHROMIUM = Path("/usr/bin/chromium")
TAG_NAMES = ("dog", "person", "boat")
MAX_PIXELS = 1_000_000
TIMEOUT_MS = 25_000


class PacedCodec(DiffICMHCodec):
    """The tiny codec, with a pause after each step so that a test can act in the middle."""

    pace_s = 0.0
    n_steps = 0

    def decode(self, *args, **kwargs):
        for step in super().decode(*args, **kwargs):
            self.n_steps += 1
            time.sleep(self.pace_s)
            yield step


@pytest.fixture(scope="session")
def codec(tiny_codec) -> PacedCodec:
    names = tiny_codec.vocabulary
    tags = [
        Tag(id=names.index_of(name), name=name, confidence=0.9 - 0.2 * rank)
        for rank, name in enumerate(TAG_NAMES)
    ]
    return PacedCodec(tiny_codec.config, tiny_codec.networks, names, lambda: lambda _: tags)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory) -> Iterator[Path]:
    """The folder from which the page serves files, here one of its own."""
    folder = tmp_path_factory.mktemp("served")
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    yield folder
    del os.environ["GRADIO_TEMP_DIR"]


@pytest.fixture
def served_files(cache_dir) -> Callable[[], set[Path]]:
    """What lies in that folder."""
    return lambda: {path for path in cache_dir.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def pictures() -> Iterator[PicturePool]:
    """The processes that read pictures."""
    with PicturePool(n_workers=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def served_page(codec, cache_dir, pictures) -> Iterator[Page]:
    page = build_page(codec, read=pictures.read, max_pixels=MAX_PIXELS)
    page.launch(prevent_thread_lock=True, quiet=True)
    yield page
    page.demo.close()


@pytest.fixture(scope="session")
def page_url(served_page) -> str:
    return served_page.demo.local_url


@pytest.fixture
def paced(codec) -> Iterator[PacedCodec]:
    """The codec, slowed down for one test."""
    codec.pace_s, codec.n_steps = 0.15, 0
    yield codec
    codec.pace_s = 0.0


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> dict[str, Path]:
    """Three photographs of different sizes, two of them turned; all have metadata."""
    folder = tmp_path_factory.mktemp("photos")
    sizes = {"wide": (150, 100), "turned": (90, 120), "private": (96, 120)}
    paths = {}
    for name, (width, height) in sizes.items():
        ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3)
        image = Image.fromarray(ramp.astype(np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 1 if name == "wide" else 6
        exif[0x010E] = "a secret"
        paths[name] = folder / f"{name}.jpg"
        image.save(paths[name], quality=95, exif=exif)
    return paths


@pytest.fixture(scope="session")
def files_in(photos) -> Callable[[Path], ServedFiles]:
    """Return the files of a page of its own in a folder, whose examples are the photographs."""

    def served(folder: Path) -> ServedFiles:
        files = ServedFiles(folder)
        files.examples = {str(path) for path in photos.values()}
        return files

    return served


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


@pytest.fixture(scope="module")
def app_url(tmp_path_factory) -> Iterator[str]:
    """The address of the program with nano."""
    has_weights = list(NANO_FOLDER.glob("*.safetensors")) and all(
        is_cached(card, default_cache_dir()) for card in PACKAGE_CARDS
    )
    if not has_weights:
        pytest.skip("nano's weights are absent; run `python -m difficmh_core fetch`")
    with running_program(tmp_path_factory.mktemp("program")) as program:
        yield program.url


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
