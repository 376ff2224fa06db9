"""Gains: one model, every rate.

Each channel is multiplied by a gain before rounding and by an inverse gain after it: a small gain
rounds coarsely and costs few bits. ``n`` gain vectors are learned, for qualities spread evenly
over 0 to 1; between two of them the logarithm is interpolated linearly::

    y ── * gain(quality) ── round, code ── y_hat ── * inverse gain(quality) ── synthesis

Hyper analysis and context model see the gained latent, whose rounding step is 1 at every quality.
The inverse gains are learned on their own, so that they can also shrink what rounding inflated.

References:
    Cui et al.: Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation,
    CVPR 2021, eq. 6 to 8, https://arxiv.org/abs/2003.02012
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.errors import ConfigError


class Gains(nn.Module):
    """Gain and inverse gain of every channel at every quality."""

    def __init__(self, n_rate_points: int, channels: int, spread: float) -> None:
        """Start with gains that rise evenly, the same for all channels.

        Args:
            n_rate_points: Number of gain vectors, at least 2.
            channels: Number of channels.
            spread: Gain at quality 1 divided by gain at quality 0.
        """
        super().__init__()
        half = math.log(spread) / 2
        log_gain = torch.linspace(-half, half, n_rate_points)[:, None].repeat(1, channels)
        self.log_gain = nn.Parameter(log_gain)
        self.log_inverse_gain = nn.Parameter(-log_gain)

    @torch.no_grad()
    def move_ends(self, lowest: float, highest: float) -> None:
        """Give quality 0 and 1 what other qualities have now; beyond the ends, the line goes on.

        Args:
            lowest: What becomes quality 0.
            highest: What becomes quality 1.
        """
        for rows in (self.log_gain, self.log_inverse_gain):
            rows.copy_(_interpolate(rows, torch.linspace(lowest, highest, len(rows))))

    def gain(self, quality: Float[Tensor, " batch"]) -> Float[Tensor, "batch channels 1 1"]:
        """The factors before rounding, for qualities in [0, 1]."""
        return _interpolate(self.log_gain, quality).exp()[:, :, None, None]

    def inverse_gain(
        self, quality: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch channels 1 1"]:
        """The factors after rounding, for qualities in [0, 1]."""
        return _interpolate(self.log_inverse_gain, quality).exp()[:, :, None, None]


def with_gain(
    gains: Gains | None, values: Tensor, quality: Float[Tensor, " batch"] | None
) -> Tensor:
    """Return values times their gain; as they are, if the model has none.

    Raises:
        ConfigError: If the model has gains, but no quality is given.
    """
    return values if gains is None else values * gains.gain(_required(quality))


def without_gain(
    gains: Gains | None, values: Tensor, quality: Float[Tensor, " batch"] | None
) -> Tensor:
    """Return values times the inverse gain; otherwise as :func:`with_gain`."""
    return values if gains is None else values * gains.inverse_gain(_required(quality))


def _required(quality: Float[Tensor, " batch"] | None) -> Float[Tensor, " batch"]:
    if quality is None:
        raise ConfigError(
            "This latent codec has several rate points, but no quality was given. Pass one value "
            "in 0 to 1 for each image."
        )
    return quality


def _interpolate(
    rows: Float[Tensor, "points channels"], quality: Float[Tensor, " batch"]
) -> Float[Tensor, "batch channels"]:
    """Return the row at ``quality``, linear between the two nearest."""
    last = len(rows) - 1
    position = quality * last
    lower = position.floor().long().clamp(0, last - 1)
    fraction = (position - lower)[:, None]
    return rows[lower] * (1 - fraction) + rows[lower + 1] * fraction
