"""A file coded on one device holds the same integers on every other."""

import pytest
import torch

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.models.load import load_codec
from tests.golden.__main__ import digest_of

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DIRECTIONS = [
    pytest.param("cpu", "cpu", id="cpu to cpu"),
    pytest.param("cpu", "cuda", id="cpu to cuda", marks=[pytest.mark.gpu, NO_CUDA]),
    pytest.param("cuda", "cpu", id="cuda to cpu", marks=[pytest.mark.gpu, NO_CUDA]),
]


@pytest.mark.parametrize(("writer", "reader"), DIRECTIONS)
@pytest.mark.parametrize("profile", ["tiny", "nano"])
def test_a_file_holds_the_same_integers_on_both_devices(profile, writer, reader, picture):
    coder, decoder = (load_codec(profile, device=device) for device in (writer, reader))
    assert coder.fingerprint == decoder.fingerprint
    data = coder.encode(picture, tags=None).data
    assert digest_of(decoder, data) == digest_of(coder, data)


@pytest.mark.gpu
@NO_CUDA
def test_a_picture_decodes_alike_on_both_devices(picture):
    settings = DecodeSettings(steps=2, guidance_scale=1.0, sampler=SamplerName.DPM_SOLVER)
    codecs = [load_codec("nano", device=device) for device in ("cpu", "cuda")]
    data = codecs[0].encode(picture, tags=None).data
    ours, theirs = (codec.decode_image(data, settings) for codec in codecs)
    pixels = [torch.tensor(list(image.tobytes())).float() for image in (ours, theirs)]
    assert (pixels[0] - pixels[1]).abs().mean() < 1
