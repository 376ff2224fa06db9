"""Golden files decode to the same integers on every device, thread count and kernel library."""

import json
from pathlib import Path

import pytest
import torch

from difficmh_core.models.load import load_codec
from tests.golden.__main__ import CASES, digest_of

FOLDER = Path(__file__).parent
NAMES = [case[0] for case in CASES]
GOLDEN = json.loads((FOLDER / "golden.json").read_text())


@pytest.fixture
def codec(nano):
    return nano


def golden_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.dicmh").read_bytes()


def test_the_model_is_the_one_that_wrote_them(codec):
    assert codec.fingerprint.hex() == GOLDEN["fingerprint"]


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_what_was_coded(codec, name):
    stream, facts = codec.parse(golden_bytes(name)), GOLDEN["files"][name]
    names = sorted(codec.vocabulary.name_of(tag_id) for tag_id in stream.tag_ids)
    assert (stream.height_px, stream.width_px) == (facts["height_px"], facts["width_px"])
    assert (stream.quality_level, names) == (facts["quality_level"], facts["tags"])
    assert stream.n_bytes == facts["n_bytes"]


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # what setting the flag says on CPUs
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_the_integers_are_the_same(codec, name, onednn, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.mkldnn.flags(enabled=onednn):
            digest = digest_of(codec, golden_bytes(name))
    finally:
        torch.set_num_threads(before)
    assert digest == GOLDEN["files"][name]["integers_sha256"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", NAMES)
def test_the_integers_are_the_same_on_cuda(name):
    digest = digest_of(load_codec("nano", device="cuda"), golden_bytes(name))
    assert digest == GOLDEN["files"][name]["integers_sha256"]
