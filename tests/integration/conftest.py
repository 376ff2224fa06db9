"""What tests of comparisons share, and tests of training."""

from pathlib import Path

import pytest

from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.evaluation.codecs import OurCodec
from difficmh_core.evaluation.evaluator import Evaluator
from tests.training_set import write_check_pictures, write_photographs

QUICK = DecodeSettings(steps=1, guidance_scale=1.0, sampler=SamplerName.DPM_SOLVER)


@pytest.fixture(scope="session")
def evaluator(tmp_path_factory):
    """One that has no weights at hand."""
    return Evaluator(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def codecs(tiny_codec):
    """JPEG, WebP, AVIF, and ours."""
    others = [PILLOW_CODECS[key]() for key in ("jpeg", "webp", "avif")]
    return [*others, OurCodec(tiny_codec, "one step", QUICK)]


@pytest.fixture
def folder(tmp_path, picture):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(3):
        picture.rotate(90 * index, expand=True).save(pictures / f"{index}.png")
    (pictures / "broken.jpg").write_bytes(b"no picture")
    return pictures


@pytest.fixture(scope="session")
def training_photos(tmp_path_factory) -> Path:
    """A tiny training set; not to be changed."""
    return write_photographs(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="session")
def check_pictures(tmp_path_factory) -> Path:
    """Its pictures for validation."""
    return write_check_pictures(tmp_path_factory.mktemp("check"))


@pytest.fixture
def inputs(tmp_path) -> Path:
    """A folder of six files for runs over many."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for number in range(6):
        (folder / "sub" / f"{number}.in").write_bytes(f"file {number}".encode())
    return folder
