"""Integer tables for the range coder: distribution functions with 16 bits of precision.

A table holds cumulative frequencies from 0 to 65536. Its last slot is the escape, which announces
a symbol outside the table; ``offset`` is the symbol of the first slot. The arithmetic follows
CompressAI (and through it TensorFlow Compression) digit for digit, so that the published weights
give the published tables.

Tables are built once, after training, and saved with the weights. Loading never rebuilds them:
another machine's exponential function would give other integers.

References:
    Bégaint et al.: CompressAI, 2020, https://arxiv.org/abs/2011.03029
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from difficmh_core.bitstream.range_coder import CdfTables
from difficmh_core.compression.entropy_models import (
    FactorizedPrior,
    normal_cdf,
    scale_table,
)
from difficmh_core.errors import CheckpointError

_TOTAL = 1 << 16
"""Sum of all frequencies of a table."""
_TAIL_QUANTILE = 6.109410204869
"""Standard deviations beyond which 1e-9 of a normal distribution lies, both sides together."""
GAUSSIAN_CAPACITY = 27256
"""Entries of the 64 Gaussian tables together, a constant of the file format."""
PRIOR_CAPACITY = 512
"""Most entries of one channel's table of the prior; values further out use the escape."""

Pmf = tuple[NDArray[np.float32], int]
"""Probabilities of consecutive symbols and of the rest, and the first of these symbols."""


def pmf_to_cdf(pmf: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return cumulative frequencies from 0 to 65536, one more than there are probabilities.

    Every symbol keeps a frequency of at least 1; what that takes, the rarest symbol that can
    spare it gives.

    Args:
        pmf: Probabilities, about 1 together; the last is that of the escape.
    """
    scaled = pmf.astype(np.float32) * np.float32(_TOTAL)
    frequencies = np.floor(scaled.astype(np.float64) + 0.5).astype(np.int64)
    frequencies = (frequencies << 16) // frequencies.sum()
    cdf = np.concatenate(([0], np.cumsum(frequencies)))
    cdf[-1] = _TOTAL
    for slot in range(len(pmf)):
        if cdf[slot] != cdf[slot + 1]:
            continue
        frequencies = np.diff(cdf)
        spare = np.where(frequencies > 1, frequencies, _TOTAL + 1)
        donor = int(spare.argmin())
        if donor < slot:
            cdf[donor + 1 : slot + 1] -= 1
        else:
            cdf[slot + 1 : donor + 1] += 1
    return cdf.astype(np.int32)


def gaussian_pmfs() -> list[Pmf]:
    """Return the distribution of rounded values for each entry of the scale table."""
    pmfs = list[Pmf]()
    scales = scale_table()
    for scale, reach in zip(
        scales, torch.ceil(scales * _TAIL_QUANTILE).int().tolist(), strict=True
    ):
        distance = (torch.arange(2 * reach + 1) - reach).abs().float()
        upper, lower = normal_cdf((0.5 - distance) / scale), normal_cdf((-0.5 - distance) / scale)
        pmfs.append((torch.cat((upper - lower, 2 * lower[:1])).numpy(), -reach))
    return pmfs


@torch.no_grad()
def prior_pmfs(prior: FactorizedPrior) -> list[Pmf]:
    """Return the distribution of rounded values for each channel of the hyper-latent."""
    low, median, high = prior.quantiles.detach().cpu().float()[:, 0].unbind(dim=1)
    half = (PRIOR_CAPACITY - 3) // 2  # the widest table: 2 * half + 1 symbols, escape, leading 0
    below = torch.ceil(median - low).int().clamp(0, half)
    above = torch.ceil(high - median).int().clamp(0, half)
    n_symbols = int((below + above).max()) + 1
    values = torch.arange(n_symbols) + (median - below)[:, None, None]  # (channels, 1, symbols)
    on_cpu = FactorizedPrior(len(median))
    on_cpu.load_state_dict(prior.state_dict())
    lower, upper = on_cpu.logits(values - 0.5)[:, 0], on_cpu.logits(values + 0.5)[:, 0]
    sign = -torch.sign(lower + upper)
    pmf = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()
    pmfs = list[Pmf]()
    for channel, (n_below, n_above) in enumerate(zip(below.tolist(), above.tolist(), strict=True)):
        n = n_below + n_above + 1
        rest = torch.sigmoid(lower[channel, :1]) + torch.sigmoid(-upper[channel, -1:])
        pmfs.append((torch.cat((pmf[channel, :n], rest)).numpy(), -n_below))
    return pmfs


class IntegerTables(nn.Module):
    """A set of integer tables, saved and loaded with the weights.

    Its buffers have fixed shapes, whatever the tables hold, so that loading can be strict; the
    capacity is the most entries of all tables together.
    """

    cdfs: Tensor
    lengths: Tensor
    offsets: Tensor

    def __init__(self, n_tables: int, capacity: int) -> None:
        super().__init__()
        self.register_buffer("cdfs", torch.zeros(capacity, dtype=torch.int32))
        self.register_buffer("lengths", torch.zeros(n_tables, dtype=torch.int32))
        self.register_buffer("offsets", torch.zeros(n_tables, dtype=torch.int32))

    def build(self, pmfs: list[Pmf]) -> None:
        """Fill the buffers with the tables of these distributions."""
        cdfs = [pmf_to_cdf(pmf) for pmf, _ in pmfs]
        flat = torch.from_numpy(np.concatenate(cdfs))
        self.cdfs.zero_()
        self.cdfs[: len(flat)] = flat.to(self.cdfs.device)
        self.lengths.copy_(torch.tensor([len(cdf) for cdf in cdfs]))
        self.offsets.copy_(torch.tensor([offset for _, offset in pmfs]))

    def to_coder(self) -> CdfTables:
        """Return the tables as the range coder wants them.

        Raises:
            CheckpointError: If the tables were never built, or do not fit together.
        """
        lengths = self.lengths.cpu().numpy().astype(np.int64)
        if not lengths.all():
            raise CheckpointError(
                "The tables of the entropy coder are missing. Load weights that hold them, or "
                "call update_tables() once after training."
            )
        ends = np.cumsum(lengths)
        if (lengths < 3).any() or ends[-1] > len(self.cdfs):
            raise CheckpointError(
                f"The tables of the entropy coder announce {ends[-1]} entries, but the weights "
                f"hold {len(self.cdfs)}. Load the published weights again."
            )
        flat = self.cdfs.cpu().numpy().astype(np.int64)
        cdfs = tuple(np.split(flat[: ends[-1]], ends[:-1]))
        return CdfTables(cdfs=cdfs, offsets=self.offsets.cpu().numpy().astype(np.int64))
