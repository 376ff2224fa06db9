"""The page around the real tiny codec, for tests with and without a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:  # at run time in the fixtures: tests that need no page do not wait for Gradio
    import httpx

    from difficmh_core.picture_pool import PicturePool
    from difficmh_core.ui.page import Page
    from difficmh_core.ui.runtime.served_files import ServedFiles
    from difficmh_core.ui.runtime.service import CodecService
    from difficmh_core.ui.runtime.uploads import Photo, UploadStore
    from tests.gate import Gate, GatedCodec

TAG_NAMES = ("dog", "person", "boat")
MAX_PIXELS = 1_000_000


@pytest.fixture(scope="session")
def codec(tiny_codec) -> GatedCodec:
    from difficmh_core.tagging.tags import Tag
    from tests.gate import GatedCodec

    names = tiny_codec.vocabulary
    tags = [
        Tag(id=names.index_of(name), name=name, confidence=0.9 - 0.2 * rank)
        for rank, name in enumerate(TAG_NAMES)
    ]
    return GatedCodec(tiny_codec.config, tiny_codec.networks, names, lambda: lambda _: tags)


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
    from difficmh_core.picture_pool import PicturePool

    with PicturePool(n_workers=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def served_page(codec, cache_dir, pictures) -> Iterator[Page]:
    from difficmh_core.ui.page import build_page

    page = build_page(codec, read=pictures.read, max_pixels=MAX_PIXELS)
    page.launch(prevent_thread_lock=True, quiet=True)
    yield page
    page.demo.close()


@pytest.fixture(scope="session")
def page_url(served_page) -> str:
    return served_page.demo.local_url


@pytest.fixture(scope="session")
def http_client(page_url) -> Iterator[httpx.Client]:
    """A program that asks the page for whatever it likes."""
    import httpx

    with httpx.Client(base_url=page_url, timeout=20) as client:
        yield client


@pytest.fixture
def gate(codec) -> Iterator[Gate]:
    """What the codec's decodings pass; open again after the test."""
    yield codec.gate
    codec.gate.open()


@pytest.fixture
def until_idle() -> Callable[[], None]:
    """Return once the model's thread has ended what it was asked for."""
    from difficmh_core.ui.runtime.worker import on_model_thread

    return on_model_thread(lambda: None)


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


@dataclass(frozen=True)
class Runtime:
    """What is behind the tabs of a page, without the page."""

    service: CodecService
    uploads: UploadStore
    files: ServedFiles

    def receive(self, path: Path) -> Photo:
        """Take a photograph as if a visitor had brought it."""
        return self.uploads.receive(self.files.store_upload(path.read_bytes(), path.name))


@pytest.fixture(scope="session")
def runtime_in(codec) -> Callable[..., Runtime]:
    """Make what is behind a page whose files lie in a folder."""
    from difficmh_core.ui.runtime.served_files import ServedFiles
    from difficmh_core.ui.runtime.service import CodecService
    from difficmh_core.ui.runtime.uploads import UploadStore

    def made(folder: Path, *, max_pixels: int = MAX_PIXELS, **settings) -> Runtime:
        files = ServedFiles(folder)
        uploads = UploadStore(files, max_pixels=max_pixels)
        return Runtime(CodecService(codec, files=files, **settings), uploads, files)

    return made
