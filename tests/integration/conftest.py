"""What tests of comparisons share: codecs, an evaluator without weights, a folder of pictures."""

import pytest

from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.evaluation.codecs import OurCodec
from difficmh_core.evaluation.evaluator import Evaluator

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
