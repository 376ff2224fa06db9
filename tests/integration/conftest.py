"""What tests of comparisons share: codecs, an evaluator without weights, a folder of pictures."""

import pytest

from difficmh_core.baselines.pillow_codecs import avif, jpeg, webp
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.evaluation.codecs import OtherCodec, OurCodec
from difficmh_core.evaluation.evaluator import Evaluator

QUICK = DecodeSettings(steps=1, guidance_scale=1.0, sampler=SamplerName.DPM_SOLVER)


@pytest.fixture(scope="session")
def evaluator(tmp_path_factory):
    """One that has no weights at hand."""
    return Evaluator(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def codecs(tiny_codec):
    """JPEG, WebP, AVIF, and ours."""
    return [OtherCodec(make()) for make in (jpeg, webp, avif)] + [
        OurCodec(tiny_codec, "one step", QUICK)
    ]


@pytest.fixture
def folder(tmp_path, picture):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(3):
        picture.rotate(90 * index, expand=True).save(pictures / f"{index}.png")
    (pictures / "broken.jpg").write_bytes(b"no picture")
    return pictures
