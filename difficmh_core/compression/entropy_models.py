"""Entropy models: how probable each integer is, and where real numbers become integers.

Training measures the rate with additive uniform noise in place of rounding; likelihoods are
computed in float32 whatever the networks around them use:

- y: a Gaussian with predicted mean and scale, integrated over the rounding interval;
- z: a learned density for each channel (:class:`FactorizedPrior`).

Coding replaces both by integer tables, see :mod:`difficmh_core.compression.integer_tables`.

Encoder and decoder must choose the same table and the same mean, although their floating-point
results may differ in the last digits. So a predicted mean is quantized to a grid of
``2**-mean_grid_bits``, a predicted scale to one of 64 tables (:func:`quantize_means`,
:func:`quantize_scales`). Where a value lies so close to the border between two choices that
another machine might choose differently, the encoder says so, and the file records its choice.

References:
    Ballé et al.: Variational image compression with a scale hyperprior, ICLR 2018, appendix 6.1,
    https://arxiv.org/abs/1802.01436
    Minnen et al.: Joint Autoregressive and Hierarchical Priors for Learned Image Compression,
    NeurIPS 2018, https://arxiv.org/abs/1809.02736
"""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.errors import CheckpointError
from difficmh_core.shapes import CodecLatent, HyperLatent

SCALE_MIN = 0.11
"""Smallest standard deviation of a latent value, in rounding steps (CompressAI)."""
# fmt: off
_SCALES = (
    0.11, 0.124404095, 0.14069438, 0.1591178, 0.1799537, 0.20351797, 0.23016793, 0.2603076,
    0.29439393, 0.33294374, 0.37654155, 0.4258483, 0.4816116, 0.5446769, 0.6160004, 0.69666344,
    0.787889, 0.89106023, 1.0077413, 1.1397015, 1.2889413, 1.4577235, 1.6486071, 1.8644862,
    2.108634, 2.384752, 2.6970267, 3.0501928, 3.4496043, 3.9013174, 4.4121814, 4.9899406,
    5.643354, 6.382331, 7.218075, 8.163255, 9.2322035, 10.441129, 11.808356, 13.354617, 15.103355,
    17.081085, 19.317795, 21.84739, 24.708223, 27.943682, 31.602804, 35.741077, 40.421238,
    45.714252, 51.70038, 58.470337, 66.12683, 74.78591, 84.578835, 95.654144, 108.17973,
    122.34544, 138.36617, 156.48474, 176.9758, 200.15018, 226.35905, 256.0,
)
# fmt: on
"""Standard deviations for which integer tables exist, constants of the file format.

64 values from 0.11 to 256, evenly spaced in their logarithm, in float32. Written out, because
exponential functions differ between machines in the last digit.
"""
VALUE_MAX = 2.0**19
"""Largest magnitude of a gained latent and of its mean, so that symbols stay below 2**20."""
_LIKELIHOOD_MIN = 1e-9
"""Floor of a probability, so that its logarithm stays finite (CompressAI)."""
_TAIL_MASS = 1e-9
"""Probability outside the range that the quantiles of the prior delimit (CompressAI)."""
_MEAN_AMBIGUITY = 2.0**-20
"""How close to a border a mean counts as ambiguous, as a fraction of the grid step.

Summing in another order changed float64 means of up to 50 by up to 6e-14. With a grid of
``2**-16`` the margin is 1.5e-11, and still only one mean in 500,000 is ambiguous. It grows with
the mean where that exceeds 1.
"""
_SCALE_AMBIGUITY = 2.0**-32
"""The same for scales, whose borders are further apart: 2.3e-10, absolute, relative above 1."""


class _LowerBound(torch.autograd.Function):
    """``max(x, bound)`` that lets gradients through where they would raise ``x``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:  # noqa: ANN401 (torch's type)
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (x,), (gradient,) = ctx.saved_tensors, gradients
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None


def _lower_bound(x: Tensor, bound: float) -> Tensor:
    bounded: Tensor = _LowerBound.apply(x, bound)  # type: ignore[no-untyped-call]
    return bounded


def round_straight_through(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return the nearest integers (half to even), with the gradient of the identity."""
    return x + (x.round() - x).detach()


def normal_cdf(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return the standard normal distribution function."""
    return 0.5 * torch.erfc(-(2**-0.5) * x)


def scale_table() -> Float[Tensor, " 64"]:
    """Return the standard deviations for which integer tables exist, ascending, float32."""
    return torch.tensor(_SCALES, dtype=torch.float32)


def gaussian_likelihood(
    values: CodecLatent, scales: CodecLatent, means: CodecLatent
) -> CodecLatent:
    """Return the probability of the rounding interval around each value.

    Args:
        values: Noisy values in training, quantized ones otherwise.
        scales: Predicted standard deviations; raised to at least 0.11.
        means: Predicted means.

    Returns:
        Probabilities in [1e-9, 1], float32.
    """
    distance = (values.float() - means.float()).abs()
    scales = _lower_bound(scales.float(), SCALE_MIN)
    probability = normal_cdf((0.5 - distance) / scales) - normal_cdf((-0.5 - distance) / scales)
    return _lower_bound(probability, _LIKELIHOOD_MIN)


class FactorizedPrior(nn.Module):
    """A learned univariate density for each channel of the hyper-latent.

    Its distribution function is a small monotonic network of widths 1, 3, 3, 3, 3, 1. The same
    function as CompressAI's ``EntropyBottleneck``, on whose parameter names, which differ between
    its versions, our files must not depend.

    Attributes:
        quantiles: For each channel the points below which ``1e-9 / 2``, one half and all but
            ``1e-9 / 2`` of the probability lie; learned by :meth:`auxiliary_loss`. The middle
            one, the median, is the offset of the rounding grid.
    """

    WIDTHS = (1, 3, 3, 3, 3, 1)
    _INITIAL_SCALE = 10.0

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers = list(pairwise(self.WIDTHS))
        slope = self._INITIAL_SCALE ** (1 / len(layers))
        self.matrices, self.biases, self.factors = (nn.ParameterList() for _ in range(3))
        for n_in, n_out in layers:
            start = math.log(math.expm1(1 / slope / n_out))
            self.matrices.append(nn.Parameter(torch.full((channels, n_out, n_in), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, n_out, 1).uniform_(-0.5, 0.5)))
        for _, n_out in layers[:-1]:
            self.factors.append(nn.Parameter(torch.zeros(channels, n_out, 1)))
        reach = torch.tensor([-self._INITIAL_SCALE, 0.0, self._INITIAL_SCALE])
        self.quantiles = nn.Parameter(reach.repeat(channels, 1, 1))

    @property
    def medians(self) -> Float[Tensor, "channels 1 1"]:
        """The offset of each channel's rounding grid, without gradient."""
        return self.quantiles[:, :, 1:2].detach()

    def logits(
        self, values: Float[Tensor, "channels 1 n"], *, is_frozen: bool = False
    ) -> Float[Tensor, "channels 1 n"]:
        """Return the logit of the distribution function at each value.

        Args:
            values: Where to evaluate.
            is_frozen: Whether to keep gradients from the density, for the quantiles' own loss.
        """
        for index, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            if is_frozen:
                matrix, bias = matrix.detach(), bias.detach()
            values = functional.softplus(matrix.to(values.dtype)) @ values + bias
            if index < len(self.factors):
                factor = self.factors[index].detach() if is_frozen else self.factors[index]
                values = values + torch.tanh(factor.to(values.dtype)) * torch.tanh(values)
        return values

    def likelihood(self, z: HyperLatent) -> HyperLatent:
        """Return the probability of the rounding interval around each value, in [1e-9, 1]."""
        values = z.float().transpose(0, 1).flatten(1)[:, None]  # (channels, 1, batch * positions)
        lower, upper = self.logits(values - 0.5), self.logits(values + 0.5)
        sign = -torch.sign(lower + upper).detach()  # in the tail where the sigmoid resolves best
        probability = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()
        batch, channels, rows, columns = z.shape
        probability = probability.reshape(channels, batch, rows, columns).transpose(0, 1)
        return _lower_bound(probability, _LIKELIHOOD_MIN)

    def auxiliary_loss(self) -> Float[Tensor, ""]:
        """The distance of the quantiles from their targets; train them on this alone."""
        target = math.log(2 / _TAIL_MASS - 1)
        targets = torch.tensor([-target, 0.0, target], device=self.quantiles.device)
        return (self.logits(self.quantiles.float(), is_frozen=True) - targets).abs().sum()


class QuantizedParameters(NamedTuple):
    """Integers chosen for predicted means or scales.

    Attributes:
        chosen: The integers.
        runner_up: Which integer a slightly different value would have given: ``chosen`` plus or
            minus 1.
        is_ambiguous: Where the value lies within rounding error of the border between the two.
    """

    chosen: Int64[Tensor, "*shape"]
    runner_up: Int64[Tensor, "*shape"]
    is_ambiguous: Bool[Tensor, "*shape"]


def quantize_means(means: Float[Tensor, "*shape"], grid_bits: int) -> QuantizedParameters:
    """Choose the nearest grid point, in units of ``2**-grid_bits``, for each float64 mean.

    Raises:
        CheckpointError: If a mean is not finite, or beyond what can be coded.
    """
    _require_bounded(means)
    position = means * 2.0**grid_bits
    chosen = position.round()
    above = position >= chosen
    to_border = 0.5 - (position - chosen).abs()
    chosen = chosen.long()
    return QuantizedParameters(
        chosen=chosen,
        runner_up=torch.where(above, chosen + 1, chosen - 1),
        is_ambiguous=to_border <= _MEAN_AMBIGUITY * means.abs().clamp_min(1.0),
    )


def quantize_scales(scales: Float[Tensor, "*shape"]) -> QuantizedParameters:
    """Choose the first table whose standard deviation is not exceeded, for each float64 scale.

    Raises:
        CheckpointError: If a scale is not finite, or beyond any sense.
    """
    _require_bounded(scales)
    borders = scale_table()[:-1].to(scales)
    chosen = torch.bucketize(scales, borders)  # number of borders below the scale
    to_lower = scales - functional.pad(borders, (1, 0), value=-math.inf)[chosen]
    to_upper = functional.pad(borders, (0, 1), value=math.inf)[chosen] - scales
    return QuantizedParameters(
        chosen=chosen,
        runner_up=torch.where(to_lower < to_upper, chosen - 1, chosen + 1),
        is_ambiguous=torch.minimum(to_lower, to_upper)
        <= _SCALE_AMBIGUITY * scales.abs().clamp_min(1.0),
    )


def _require_bounded(values: Tensor) -> None:
    if not bool((values.abs() <= VALUE_MAX).all()):
        raise CheckpointError(
            "The context model predicted a value that is too large to code or not finite. Its "
            "weights are damaged or were never trained; load the published ones again."
        )
