"""The whole latent codec at tiny size: what it trains on, what it codes, what it decodes."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
import torch

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.profiles import TINY
from difficmh_core.errors import CheckpointError, ConfigError, CorruptBitstreamError

CONFIG = TINY.latent_codec
ONE_RATE = replace(CONFIG, n_rate_points=1)
QUALITY = torch.tensor([0.0, 1.0])


@cache
def built(config):
    torch.manual_seed(0)
    codec = LatentCodec(config).eval()
    codec.update_tables()
    return codec


def build(config=CONFIG):
    """A codec that a test may change."""
    return deepcopy(built(config))


@pytest.fixture(scope="module")
def codec():
    return build()


def picture(height=64, width=64, batch=1):
    generator = torch.Generator().manual_seed(height * width)
    image = torch.rand(batch, 3, height, width, generator=generator)
    return image, torch.randn(batch, 4, height // 8, width // 8, generator=generator)


def compress(codec, image, diffusion_latent, quality_level=128, *, loudness=40.0):
    """Code a picture; an untrained y is small, so make it louder."""
    with torch.no_grad():
        y = loudness * codec.analyze(image, diffusion_latent)
    return codec.compress(y, diffusion_latent, quality_level)


def synthesize(codec, quantized, quality_level=128):
    """The content latent that the encoder promises."""
    quality = torch.tensor([quality_level / 255], dtype=torch.float64)
    with torch.no_grad():
        return codec.synthesize(quantized.y_hat, quantized.z_hat, quality)


@pytest.mark.parametrize("size_px", [(64, 64), (64, 192), (256, 128)])
@pytest.mark.parametrize("config", [CONFIG, ONE_RATE], ids=["gains", "one rate"])
def test_decoder_reconstructs_what_the_encoder_promised(config, size_px):
    codec = build(config)
    coded, quantized = compress(codec, *picture(*size_px))
    decoded = codec.decompress(coded, 128, size_px)
    assert decoded.shape == (1, 4, size_px[0] // 8, size_px[1] // 8)
    assert torch.equal(decoded, synthesize(codec, quantized))


@pytest.mark.parametrize("quality_level", [0, 1, 77, 255])
def test_every_quality_level_decodes(codec, quality_level):
    coded, quantized = compress(codec, *picture(), quality_level)
    decoded = codec.decompress(coded, quality_level, (64, 64))
    assert torch.equal(decoded, synthesize(codec, quantized, quality_level))


def test_better_quality_costs_more_bits(codec):
    made = [compress(codec, *picture(128, 128), level) for level in (0, 128, 255)]
    sizes = [len(coded.payload) for coded, _ in made]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


def test_estimated_rate_is_close_to_the_coded_one():
    codec = build()
    model = codec.context_model
    for network in (*model.anchor_parameters, *model.other_parameters):
        network[4].bias.data[: len(network[4].bias) // 2] = 0.7  # scales as after training
    image, diffusion_latent = picture(256, 256)
    with torch.no_grad():
        estimate = codec(image, diffusion_latent, torch.tensor([128 / 255]))
    coded, quantized = compress(codec, image, diffusion_latent, loudness=1.0)
    n_hyper_bits = quantized.n_hyper_bits
    assert n_hyper_bits == pytest.approx(estimate.hyper_bits().item(), rel=0.05, abs=40)
    n_latent_bits = 8 * len(coded.payload) - n_hyper_bits
    assert n_latent_bits == pytest.approx(estimate.latent_bits().item(), rel=0.05, abs=64)


def test_coding_agrees_with_the_forward_pass_in_evaluation(codec):
    image, diffusion_latent = picture(128, 64)
    with torch.no_grad():
        output = codec(image, diffusion_latent, torch.tensor([128 / 255]))
    _, quantized = compress(codec, image, diffusion_latent, loudness=1.0)
    promised = synthesize(codec, quantized)
    torch.testing.assert_close(promised, output.content_latent, atol=0.02, rtol=0)


def test_training_reaches_every_parameter():
    codec = build().train()
    output = codec(*picture(64, 128, batch=2), QUALITY)
    loss = output.bits().sum() + output.content_latent.square().sum()
    (loss + codec.auxiliary_loss()).backward()
    assert output.bits().shape == (2,)
    assert [name for name, p in codec.named_parameters() if p.grad is None] == []


def test_training_under_autocast_measures_the_rate_in_float32():
    codec = build().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = codec(*picture(batch=2), QUALITY)
    assert output.content_latent.dtype == torch.bfloat16
    assert output.y_likelihoods.dtype == output.z_likelihoods.dtype == torch.float32
    torch.testing.assert_close(output.bits(), output.latent_bits() + output.hyper_bits())


def test_evaluation_is_deterministic_and_training_is_noisy(codec):
    batch = (*picture(), torch.tensor([0.5]))
    with torch.no_grad():
        assert torch.equal(codec(*batch).bits(), codec(*batch).bits())
        codec.train()
        assert not torch.equal(codec(*batch).bits(), codec(*batch).bits())
        codec.eval()


def test_missing_quality_is_named(codec):
    with pytest.raises(ConfigError, match="no quality was given"):
        codec(*picture())


def test_one_rate_needs_no_gains():
    assert not any("gain" in name for name, _ in build(ONE_RATE).named_parameters())
    assert build(ONE_RATE)(*picture()).bits().isfinite().all()


def test_missing_tables_are_named():
    with pytest.raises(CheckpointError, match="update_tables"):
        compress(LatentCodec(CONFIG), *picture())


def test_weights_and_tables_load_strictly_and_code_the_same(codec):
    loaded = LatentCodec(CONFIG).eval()
    loaded.load_state_dict(codec.state_dict(), strict=True)
    assert loaded.fingerprint() == codec.fingerprint()
    assert compress(loaded, *picture())[0] == compress(codec, *picture())[0]


def test_coding_leaves_the_module_as_it_is(codec):
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    compress(codec, *picture())
    after = codec.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_module_in_half_precision_decodes_its_own_files():
    codec = build().bfloat16()
    coded, quantized = compress(codec, *picture())
    assert torch.equal(codec.decompress(coded, 128, (64, 64)), synthesize(codec, quantized))


def test_fingerprint_names_what_decides_symbols():
    codec = build()
    original = codec.fingerprint()
    assert len(original) == 4
    assert build().double().fingerprint() == original
    codec.synthesis.to_content_latent.bias.data += 1
    assert codec.fingerprint() == original
    codec.hyper_tables.offsets[0] += 1
    assert codec.fingerprint() != original
    codec = build()
    codec.context_model.local_context[0].bias.data[0] += 1e-6
    assert codec.fingerprint() != original
    assert build(replace(CONFIG, mean_grid_bits=9)).fingerprint() != original


def test_the_channels_of_the_diffusion_latent_decide_no_symbol(codec):
    wider = build(replace(CONFIG, diffusion_channels=6))
    given, own = codec.state_dict(), wider.state_dict()
    fitting = {name: value for name, value in given.items() if value.shape == own[name].shape}
    wider.load_state_dict(own | fitting)
    image, latent = picture()
    content = wider(image, torch.cat([latent, latent[:, :2]], dim=1), QUALITY[:1]).content_latent
    assert content.shape == (1, 6, 8, 8)
    assert wider.fingerprint() == codec.fingerprint()


def test_damaged_payloads_never_decode_silently(codec):
    coded, _ = compress(codec, *picture())
    generator = torch.Generator().manual_seed(0)
    for bit in torch.randint(8 * len(coded.payload), (20,), generator=generator).tolist():
        damaged = bytearray(coded.payload)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptBitstreamError):
            codec.decompress(replace(coded, payload=bytes(damaged)), 128, (64, 64))
