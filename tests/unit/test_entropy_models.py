"""Likelihoods agree with other implementations, and rounding is decided as documented."""

import math

import pytest
import torch
from scipy import stats

import difficmh_core._support.torchvision_operators  # noqa: F401 (before compressai)
from difficmh_core.compression.entropy_models import (
    FactorizedPrior,
    gaussian_likelihood,
    quantize_means,
    quantize_scales,
    round_straight_through,
    scale_table,
)
from difficmh_core.errors import CheckpointError
from tests import needs


def latent(values):
    return torch.as_tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def test_gaussian_likelihood_against_scipy():
    values, scales, means = (
        latent([0.0, 1.0, -3.0, 7.0]),
        latent([0.5, 2, 1, 9]),
        latent([0.2, 0, -2.5, 1]),
    )
    expected = stats.norm.cdf(values + 0.5, means, scales) - stats.norm.cdf(
        values - 0.5, means, scales
    )
    torch.testing.assert_close(
        gaussian_likelihood(values, scales, means),
        torch.from_numpy(expected).float(),
        atol=1e-6,
        rtol=1e-5,
    )


def test_gaussian_likelihood_has_bounds_that_pass_useful_gradients():
    scales = latent([0.01, 0.01]).requires_grad_()
    likelihood = gaussian_likelihood(latent([0.0, 900.0]), scales, latent([0.0, 0.0]))
    assert likelihood[..., 1].item() == pytest.approx(1e-9)
    narrow = gaussian_likelihood(latent([0.4]), latent([0.11]), latent([0.0]))
    torch.testing.assert_close(
        gaussian_likelihood(latent([0.4]), scales[..., :1], latent([0.0])), narrow
    )
    (-gaussian_likelihood(latent([0.6]), scales[..., :1], latent([0.0])).log()).sum().backward()
    assert scales.grad[..., 0].item() < 0  # widening the Gaussian would help, so it may


def test_likelihood_is_float32_whatever_comes_in():
    values, scales, means = (latent(x).bfloat16() for x in ([0.0, 0.3], [1.0, 1.3], [0.5, 0.6]))
    likelihood = gaussian_likelihood(values, scales, means)
    normal = torch.distributions.Normal(means.double(), scales.double())
    mass = normal.cdf(values.double() + 0.5) - normal.cdf(values.double() - 0.5)
    torch.testing.assert_close(likelihood, mass.float())  # float32, and as exact


def test_rounding_passes_the_gradient():
    x = torch.tensor([0.5, 1.5, -0.7], requires_grad=True)
    rounded = round_straight_through(x)
    rounded.sum().backward()
    assert rounded.tolist() == [0, 2, -1]
    assert x.grad.tolist() == [1, 1, 1]


def randomized_prior(channels=3):
    torch.manual_seed(1)
    prior = FactorizedPrior(channels)
    for parameter in prior.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return prior


@needs.compressai
def test_prior_against_compressai():
    from compressai.entropy_models import EntropyBottleneck

    prior, bottleneck = randomized_prior(), EntropyBottleneck(3)
    with torch.no_grad():
        for own, theirs in (
            (prior.matrices, bottleneck.matrices),
            (prior.biases, bottleneck.biases),
            (prior.factors, bottleneck.factors),
        ):
            for source, target in zip(own, theirs, strict=True):
                target.copy_(source)
        bottleneck.quantiles.copy_(prior.quantiles)
    bottleneck.eval()
    z = 4 * torch.randn(2, 3, 2, 5)
    z_hat, likelihood = bottleneck(z)
    torch.testing.assert_close(prior.likelihood(z_hat), likelihood, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(prior.auxiliary_loss(), bottleneck.loss())


def test_prior_is_a_distribution():
    prior = randomized_prior()
    symbols = torch.arange(-200.0, 201).reshape(1, 1, 1, -1).expand(1, 3, 1, -1)
    total = prior.likelihood(symbols).sum(dim=(0, 2, 3))
    torch.testing.assert_close(total, torch.ones(3), atol=1e-4, rtol=0)


def test_auxiliary_loss_trains_only_the_quantiles():
    prior = randomized_prior()
    prior.auxiliary_loss().backward()
    assert {n for n, p in prior.named_parameters() if p.grad is not None} == {"quantiles"}


def test_scale_table_is_evenly_spaced_in_its_logarithm():
    expected = torch.exp(torch.linspace(math.log(0.11), math.log(256), 64))
    torch.testing.assert_close(scale_table(), expected, atol=0, rtol=3e-7)


def test_means_are_quantized_to_the_nearest_grid_point():
    quantized = quantize_means(torch.tensor([0.26, -0.26, 3.0, 0.3749], dtype=torch.float64), 2)
    assert quantized.chosen.tolist() == [1, -1, 12, 1]
    assert quantized.runner_up.tolist() == [2, -2, 13, 2]
    assert not quantized.is_ambiguous.any()


@pytest.mark.parametrize("grid_bits", [0, 8, 16])
@pytest.mark.parametrize("border", [0.5, 2.5, -7.5, 1000.5])
def test_means_beside_a_border_are_ambiguous_and_name_each_other(grid_bits, border):
    step = 2.0**-grid_bits
    pair = step * (border + torch.tensor([-1e-8, 1e-8], dtype=torch.float64))
    quantized = quantize_means(pair, grid_bits)
    assert quantized.is_ambiguous.all()
    assert quantized.chosen[0] == quantized.chosen[1] - 1
    assert quantized.runner_up.tolist() == quantized.chosen.flip(0).tolist()


def test_scales_are_quantized_to_the_table_that_is_not_exceeded():
    table = scale_table().double()
    quantized = quantize_scales(torch.cat((table * 0.999, torch.tensor([-3.0, 1e5]).double())))
    assert quantized.chosen.tolist() == [*range(64), 0, 63]
    assert quantized.runner_up.tolist() == [1, *range(2, 64), 62, 1, 62]
    assert not quantized.is_ambiguous.any()


def test_scales_beside_a_border_are_ambiguous_and_name_each_other():
    borders = scale_table()[:-1].double()
    below, above = quantize_scales(borders - 1e-12), quantize_scales(borders + 1e-12)
    assert below.is_ambiguous.all()
    assert above.is_ambiguous.all()
    assert torch.equal(below.chosen, above.runner_up)
    assert torch.equal(below.runner_up, above.chosen)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(value):
    values = torch.tensor([0.0, value], dtype=torch.float64)
    with pytest.raises(CheckpointError, match="not finite"):
        quantize_means(values, 8)
    with pytest.raises(CheckpointError, match="not finite"):
        quantize_scales(values)
