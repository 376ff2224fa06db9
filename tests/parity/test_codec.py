"""The latent codec reproduces the published one: tensors, symbols, tables."""

import pytest
import torch

from difficmh_core.compression.context_model import merge_checkerboard, split_checkerboard
from difficmh_core.compression.corrections import read_corrections
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import LatentCodecConfig
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.published.codec import PREFIX, load_published_codec, published_names

TOLERANCE = {"atol": 1e-4, "rtol": 0}


@pytest.fixture(scope="module")
def expected(parity):
    return parity.tensors("codec.safetensors")


@pytest.fixture(scope="module")
def weights(parity):
    return parity.tensors("weights_codec.safetensors")


@pytest.fixture(scope="module")
def config(parity):
    return parity.codec_config()


@pytest.fixture(scope="module")
def codec(config, weights):
    codec = LatentCodec(config).eval()
    load_published_codec(codec, weights, "weights_codec.safetensors")
    return codec


@pytest.fixture(scope="module")
def image(parity):
    pixels = parity.tensors("vae.safetensors")["image_u8"]
    return (pixels.float() / 255).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def output(codec, image, expected):
    with torch.no_grad():
        return codec(image, expected["ref_z"])


def test_forward_pass(output, expected):
    for ours, theirs in (
        (output.y, "y"),
        (output.z_hat, "hyper_z_hat"),
        (output.y_hat, "y_hat"),
        (output.content_latent, "c_latent"),
        (output.y_likelihoods, "y_likelihoods"),
        (output.z_likelihoods, "z_likelihoods"),
    ):
        torch.testing.assert_close(ours, expected[theirs], **TOLERANCE)
    torch.testing.assert_close(
        output.bits().sum(), expected["estimated_bits_total"], atol=0.05, rtol=0
    )


@torch.no_grad()
def test_networks_one_by_one(codec, expected):
    z = codec.hyper_analysis(expected["y"], expected["ref_z"])
    torch.testing.assert_close(z, expected["hyper_z"], **TOLERANCE)
    z_hat = expected["hyper_z_hat"]
    torch.testing.assert_close(codec.hyper_synthesis(z_hat), expected["hyper_params"], **TOLERANCE)
    torch.testing.assert_close(codec.hyper_prior(z_hat), expected["f_c_out"], **TOLERANCE)


@torch.no_grad()
def test_context_networks(codec, expected):
    model, y_hat, hyper = codec.context_model, expected["y_hat"], expected["hyper_params"]
    for index, (start, end) in enumerate(model.slices):
        known = [hyper]
        if index > 0:
            context = model.channel_context[index - 1](y_hat[:, :start])
            torch.testing.assert_close(context, expected[f"channel_ctx_{index}"], **TOLERANCE)
            known.insert(0, context)
        anchors, _ = split_checkerboard(y_hat[:, start:end])
        local = model.local_context[index](merge_checkerboard(anchors, torch.zeros_like(anchors)))
        torch.testing.assert_close(local, expected[f"local_ctx_{index}"], **TOLERANCE)
        for network, inputs, name in (
            (model.anchor_parameters[index], known, f"ep_anchor_{index}"),
            (model.other_parameters[index], [local, *known], f"ep_nonanchor_{index}"),
        ):
            parameters = network(torch.cat(inputs, dim=1))
            torch.testing.assert_close(parameters, expected[name], **TOLERANCE)


def in_coding_order(codec, values):
    """Return a latent's values pass by pass, as they are coded."""
    anchors, others = split_checkerboard(values)
    passes = [
        half[:, start:end].flatten()
        for start, end in codec.context_model.slices
        for half in (anchors, others)
    ]
    return torch.cat(passes)


def test_forward_symbols(codec, output, expected):
    symbols = in_coding_order(codec, output.y_hat - output.means).round().int()
    assert torch.equal(symbols, expected["y_symbols"])


class Recorder:
    """Stands between the codec and the range coder and keeps what passes."""

    def __init__(self, encoder):
        self.encoder, self.calls = encoder, []

    def encode(self, symbols, indexes, tables):
        self.calls.append((torch.from_numpy(symbols.copy()), torch.from_numpy(indexes.copy())))
        self.encoder.encode(symbols, indexes, tables)

    def __getattr__(self, name):
        return getattr(self.encoder, name)


def test_coded_symbols_and_table_indexes(codec, output, expected, monkeypatch):
    from difficmh_core.compression import symbol_coding

    recorders = []
    encoder_class = symbol_coding.RangeEncoder
    monkeypatch.setattr(
        symbol_coding,
        "RangeEncoder",
        lambda: recorders.append(Recorder(encoder_class())) or recorders[0],
    )
    coded, quantized = codec.compress(output.y, expected["ref_z"], 0)
    (hyper_symbols, _), *latent_calls = recorders[0].calls
    medians = codec.prior.medians.reshape(1, -1, 1, 1)
    hyper_expected = (expected["hyper_z_hat"] - medians).detach().round().int().flatten()
    assert torch.equal(hyper_symbols, hyper_expected)
    assert torch.equal(torch.cat([s for s, _ in latent_calls]), expected["y_symbols"])
    assert torch.equal(torch.cat([i for _, i in latent_calls]), expected["y_indexes"])
    n_choices = 2 * len(expected["y_symbols"])
    noted = read_corrections(coded.corrections, n_choices).positions
    assert len(noted) <= 1 + n_choices / 10_000  # a choice is close to a border once in 500,000
    with torch.no_grad():
        content = codec.synthesize(quantized.y_hat, quantized.z_hat)
    torch.testing.assert_close(content, expected["decompressed_c_latent"], **TOLERANCE)


def test_decoded_latents_are_the_published_ones(codec, output, expected):
    coded, _ = codec.compress(output.y, expected["ref_z"], 0)
    size_px = tuple(16 * side for side in output.y.shape[2:])
    decoded = codec.decode_symbols(coded, 0, size_px)
    torch.testing.assert_close(decoded.y_hat.float(), expected["decompressed_y_hat"], **TOLERANCE)
    ours, theirs = len(coded.payload), len(expected["y_string"]) + len(expected["z_string"])
    assert ours <= 1.01 * theirs + 8


def test_integer_tables(codec, parity):
    expected = parity.tensors("entropy_tables.safetensors")
    for ours, theirs in ((codec.latent_tables, "gaussian"), (codec.hyper_tables, "eb")):
        ragged = expected[f"{theirs}_cdf_ragged"]
        assert torch.equal(ours.lengths, expected[f"{theirs}_cdf_length"])
        assert torch.equal(ours.offsets, expected[f"{theirs}_offset"])
        assert torch.equal(ours.cdfs[: len(ragged)], ragged)
        assert not ours.cdfs[len(ragged) :].any()


def test_both_namings_of_the_entropy_bottleneck(config, codec, weights):
    renamed = {}
    for key, tensor in weights.items():
        for old, new in (("_matrix", "matrices."), ("_bias", "biases."), ("_factor", "factors.")):
            key = key.replace(f"entropy_bottleneck.{old}", f"entropy_bottleneck.{new}")
        renamed[key] = tensor
    assert renamed.keys() != weights.keys()
    other = LatentCodec(config).eval()
    load_published_codec(other, renamed, "renamed")
    assert other.fingerprint() == codec.fingerprint()


def test_loading_is_strict(config, weights):
    codec = LatentCodec(config)
    missing = {k: v for k, v in weights.items() if not k.endswith("entropy_bottleneck.quantiles")}
    with pytest.raises(CheckpointError, match="quantiles"):
        load_published_codec(codec, missing, "weights")
    with pytest.raises(CheckpointError, match="surprise"):
        load_published_codec(codec, weights | {PREFIX + "surprise": torch.ones(1)}, "weights")


def test_names_and_shapes_of_the_full_size_checkpoint(parity):
    published = {
        key.removeprefix(PREFIX): tensor.shape
        for key, tensor in parity.full_size_tensors(PREFIX).items()
    }
    with torch.device("meta"):
        codec = LatentCodec(LatentCodecConfig())
    state = codec.state_dict()
    for ours, theirs in published_names(codec).items():
        names = {theirs, *_old_names(theirs)} & published.keys()
        assert len(names) == 1, theirs
        assert published[names.pop()] == state[ours].shape


def _old_names(name):
    for old, new in (("_matrix", "matrices."), ("_bias", "biases."), ("_factor", "factors.")):
        if name.startswith(f"entropy_bottleneck.{new}"):
            yield name.replace(new, old)
