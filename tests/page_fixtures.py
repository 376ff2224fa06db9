"""The page around the real tiny codec, for tests with and without a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:  # at run time in the fixtures: tests that need no page do not wait for Gradio
    from difficmh_core.picture_pool import PicturePool
    from difficmh_core.ui.page import Page
    from difficmh_core.ui.runtime.served_files import ServedFiles
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


@pytest.fixture(scope="session")
def files_in(photos) -> Callable[[Path], ServedFiles]:
    """The files of a page of its own in a folder, whose examples are the photographs."""
    from difficmh_core.ui.runtime.served_files import ServedFiles

    def served(folder: Path) -> ServedFiles:
        files = ServedFiles(folder)
        files.examples = {str(path) for path in photos.values()}
        return files

    return served
