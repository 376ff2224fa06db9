"""Every machine decodes the same integers, even where its last digits differ."""

from dataclasses import replace

import pytest
import torch

from difficmh_core.compression.context_model import ContextModel
from difficmh_core.compression.corrections import read_corrections
from difficmh_core.compression.entropy_models import FactorizedPrior, scale_table
from difficmh_core.compression.integer_tables import (
    GAUSSIAN_CAPACITY,
    PRIOR_CAPACITY,
    IntegerTables,
    gaussian_pmfs,
    prior_pmfs,
)
from difficmh_core.compression.symbol_coding import SymbolCoder
from difficmh_core.compression.transforms import HyperSynthesis
from difficmh_core.config.profiles import TINY
from difficmh_core.errors import CheckpointError, CorruptBitstreamError

CONFIG = TINY.latent_codec
SIZE_64 = (2, 1)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def coder():
    """Networks whose predictions reach far enough that scales and means matter."""
    torch.manual_seed(0)
    context_model = ContextModel(CONFIG).double()
    for network in (*context_model.anchor_parameters, *context_model.other_parameters):
        network[4].weight.data.mul_(30)
        network[4].bias.data.uniform_(0, 4)
    prior = FactorizedPrior(CONFIG.hyper_channels)
    latent_tables = IntegerTables(64, GAUSSIAN_CAPACITY)
    hyper_tables = IntegerTables(CONFIG.hyper_channels, CONFIG.hyper_channels * PRIOR_CAPACITY)
    latent_tables.build(gaussian_pmfs())
    hyper_tables.build(prior_pmfs(prior))
    return SymbolCoder(
        hyper_synthesis=HyperSynthesis(CONFIG).double(),
        context_model=context_model,
        medians=torch.linspace(-0.5, 0.5, CONFIG.hyper_channels).double().reshape(-1, 1, 1),
        inverse_hyper_gain=torch.ones(1, CONFIG.hyper_channels, 1, 1).double(),
        latent_tables=latent_tables.to_coder(),
        hyper_tables=hyper_tables.to_coder(),
        mean_grid_bits=CONFIG.mean_grid_bits,
    )


@pytest.fixture(scope="module")
def latents():
    generator = torch.Generator().manual_seed(3)
    y = 6 * torch.randn(1, CONFIG.latent_channels, 8, 4, generator=generator).double()
    z = 4 * torch.randn(1, CONFIG.hyper_channels, *SIZE_64, generator=generator).double()
    return y, z


def with_predictions(coder, change):
    """Return the coder of a machine that predicts ``change(kind, values)`` instead."""

    class OtherMachine(ContextModel):
        def __init__(self):
            self.__dict__.update(coder.context_model.__dict__)

        def run(self, hyper_features, code):
            return super().run(
                hyper_features,
                lambda step, s, m: code(step, change("scale", s), change("mean", m)),
            )

    return replace(coder, context_model=OtherMachine())


def test_round_trip_is_exact(coder, latents):
    y, z = latents
    coded, quantized = coder.encode(y, z)
    decoded = coder.decode(coded, SIZE_64)
    assert torch.equal(decoded.y_hat, quantized.y_hat)
    assert torch.equal(decoded.z_hat, quantized.z_hat)
    assert (decoded.y_hat - y).abs().max() <= 0.5 + 1e-12
    assert (decoded.z_hat - z).abs().max() <= 0.5 + 1e-12
    n_choices = 2 * y.numel()
    noted = read_corrections(coded.corrections, n_choices).positions
    assert len(noted) <= 1 + n_choices / 10_000  # a choice is close to a border once in 500,000
    assert decoded.n_hyper_bits == quantized.n_hyper_bits > 0
    assert 8 * len(coded.payload) > quantized.n_hyper_bits


def test_latents_lie_on_the_grid(coder, latents):
    steps = coder.encode(*latents)[1].y_hat * 2**CONFIG.mean_grid_bits
    assert torch.equal(steps, steps.round())


def test_same_latents_same_bytes(coder, latents):
    (first, _), (second, _) = coder.encode(*latents), coder.encode(*latents)
    assert first == second


def test_differences_in_the_last_digits_die_out(coder, latents):
    coded, quantized = coder.encode(*latents)
    generator = torch.Generator().manual_seed(9)

    def perturb(_, values):
        noise = torch.randn(values.shape, generator=generator, dtype=values.dtype)
        return values * (1 + 1e-12 * noise)

    for _ in range(5):
        decoded = with_predictions(coder, perturb).decode(coded, SIZE_64)
        assert torch.equal(decoded.y_hat, quantized.y_hat)


def ambiguous(sign):
    """Move some predictions to within 1e-12 of a border, on one side of it."""
    border = scale_table()[30].double()

    def change(kind, values):
        moved = values.clone().flatten()
        if kind == "mean":
            grid = 2.0**CONFIG.mean_grid_bits
            moved[::5] = ((moved[::5] * grid).floor() + 0.5) / grid + sign * 1e-12
        else:
            moved[::7] = border + sign * 1e-12
        return moved.reshape(values.shape)

    return change


@pytest.mark.parametrize("sign", [-1, 1])
def test_ambiguous_values_are_resolved_by_the_encoder(coder, latents, sign):
    encoder, decoder = (with_predictions(coder, ambiguous(s)) for s in (sign, -sign))
    coded, quantized = encoder.encode(*latents)
    assert len(coded.corrections) > 0
    decoded = decoder.decode(coded, SIZE_64)
    assert torch.equal(decoded.y_hat, quantized.y_hat)
    with pytest.raises(CorruptBitstreamError):
        decoder.decode(replace(coded, corrections=b""), SIZE_64)


def test_a_decoder_gone_astray_is_told_from_damage(coder, latents):
    coded, _ = coder.encode(*latents)
    step = 2.0**-CONFIG.mean_grid_bits
    astray = with_predictions(coder, lambda kind, v: v + step if kind == "mean" else v)
    with pytest.raises(CorruptBitstreamError):
        astray.decode(coded, SIZE_64)
    with pytest.raises(CorruptBitstreamError, match="gone astray"):
        coder.decode(replace(coded, symbol_check=coded.symbol_check ^ 1), SIZE_64)


def test_values_that_are_not_finite_are_refused(coder, latents):
    y, z = latents
    with pytest.raises(CheckpointError, match="not finite"):
        coder.encode(y * torch.inf, z)


def test_values_beyond_the_coder_are_refused(coder, latents):
    y, z = latents
    with pytest.raises(CheckpointError, match="too large"):
        coder.encode(y * 1e9, z)


def test_large_values_use_the_escape(coder, latents):
    y, z = latents
    coded, quantized = coder.encode(1000 * y, 100 * z)
    assert torch.equal(coder.decode(coded, SIZE_64).y_hat, quantized.y_hat)


class Unused(HyperSynthesis):
    def forward(self, z_hat):
        raise AssertionError("the networks were asked")


def test_a_small_file_that_announces_a_large_picture_is_refused_before_any_network(coder, latents):
    coded, _ = coder.encode(*latents)
    without_networks = replace(coder, hyper_synthesis=Unused(CONFIG))
    with pytest.raises(AssertionError, match="were asked"):
        without_networks.decode(coded, SIZE_64)
    with pytest.raises(CorruptBitstreamError, match="its symbols take at least"):
        without_networks.decode(coded, (1000, 1000))


def test_symbols_that_lead_the_networks_astray_are_the_files_damage(coder, latents):
    coded, _ = coder.encode(*latents)
    astray = with_predictions(coder, lambda kind, v: v * 1e9 if kind == "mean" else v)
    with pytest.raises(CorruptBitstreamError, match="values that no encoder codes"):
        astray.decode(coded, SIZE_64)
