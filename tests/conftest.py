"""What many tests share: the tiny codec, a picture, the command line."""

import os
from functools import cache
from pathlib import Path

import hypothesis  # noqa: F401 (first imported when tests end, Python 3.11.7 fails to compile it)
import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook
from PIL import Image

PACKAGE = Path(__file__).parents[1] / "difficmh_core"
CHECKED = [f"difficmh_core.{path.stem}" for path in PACKAGE.iterdir() if path.name[0].isalpha()]
"""Their shapes and types are checked at every call; the page's events take what comes."""
CHECKED.remove("difficmh_core.ui")
install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from difficmh_core._support import torchvision_operators  # noqa: E402, F401 (before diffusers)

pytest_plugins = ["tests.page_fixtures"]

# The networks are small: several threads would wait for each other more than they compute.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # and in the programs that a test starts


@pytest.fixture(scope="session")
def tiny_codec():
    """The real classes with random weights, in a size that runs in well under a second."""
    from difficmh_core.models.load import load_codec

    return load_codec("tiny")


@pytest.fixture(scope="session")
def nano(load_once):
    """The packaged networks; not to be changed."""
    return load_once("nano")


@pytest.fixture
def generator():
    """A random generator that starts alike in every test."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def picture():
    """A picture of 100 x 75 px with smooth parts, an edge and texture; no side fits a block."""
    rows, columns = np.mgrid[0:75, 0:100]
    red = 255 * columns / 99
    green = 127 + 100 * np.sin(rows / 9) * np.cos(columns / 7)
    blue = np.where(rows + columns > 90, 220, 40) + np.random.default_rng(0).normal(
        0, 8, (75, 100)
    )
    return Image.fromarray(np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def photo(tmp_path_factory, picture):
    """The path of a file that holds the picture."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    picture.save(path)
    return path


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory, picture, tiny_codec):
    """The path of a coded file with two tags."""
    path = tmp_path_factory.mktemp("tiny") / "photo.dicmh"
    path.write_bytes(tiny_codec.encode(picture, tags=["Tabby", "tiger cat"]).data)
    return path


@pytest.fixture(scope="session")
def load_once():
    """``load_codec`` that loads each profile once for all commands of the tests."""
    from difficmh_core.models.load import load_codec

    return cache(load_codec)


@pytest.fixture
def run(capsys, monkeypatch, load_once):
    """Run a command in this process; returns (exit code, standard output, standard error)."""
    from difficmh_core.cli.main import main

    monkeypatch.setattr("difficmh_core.models.load.load_codec", load_once)

    def run(*words):
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        return code, *capsys.readouterr()

    return run
