"""Integer tables are distributions, agree with CompressAI, and travel with the weights."""

import numpy as np
import pytest
import torch

import difficmh_core._support.torchvision_operators  # noqa: F401 (before compressai)
from difficmh_core.compression.entropy_models import FactorizedPrior
from difficmh_core.compression.integer_tables import (
    GAUSSIAN_CAPACITY,
    PRIOR_CAPACITY,
    IntegerTables,
    gaussian_pmfs,
    pmf_to_cdf,
    prior_pmfs,
)
from difficmh_core.errors import CheckpointError
from tests import needs


@needs.compressai
def test_frequencies_against_compressai():
    from compressai._CXX import pmf_to_quantized_cdf

    generator = np.random.default_rng(0)
    for n in (2, 3, 10, 300):
        pmf = generator.exponential(size=n) ** 8 + 1e-12
        pmf = (pmf / pmf.sum()).astype(np.float32)
        assert pmf_to_cdf(pmf).tolist() == pmf_to_quantized_cdf(pmf.tolist(), 16)


def test_every_symbol_can_be_coded():
    for pmf, _ in gaussian_pmfs():
        cdf = pmf_to_cdf(pmf)
        assert cdf[0] == 0
        assert cdf[-1] == 65536
        assert (np.diff(cdf) > 0).all()


def test_gaussian_tables_fill_their_capacity_exactly():
    assert sum(len(pmf) + 1 for pmf, _ in gaussian_pmfs()) == GAUSSIAN_CAPACITY


def test_prior_tables_stay_within_their_capacity():
    prior = FactorizedPrior(2)
    prior.quantiles.data = torch.tensor([[[-1e5, 0.0, 1e5]], [[-3.0, 0.5, 2.0]]])
    (wide, wide_start), (narrow, narrow_start) = prior_pmfs(prior)
    assert len(wide) + 1 <= PRIOR_CAPACITY
    assert wide_start == -(len(wide) - 2) // 2
    assert (len(narrow), narrow_start) == (4 + 2 + 1 + 1, -4)


def test_tables_travel_with_the_weights():
    tables = IntegerTables(64, GAUSSIAN_CAPACITY)
    tables.build(gaussian_pmfs())
    loaded = IntegerTables(64, GAUSSIAN_CAPACITY)
    loaded.load_state_dict(tables.state_dict())
    ours, theirs = tables.to_coder(), loaded.to_coder()
    assert all(np.array_equal(a, b) for a, b in zip(ours.cdfs, theirs.cdfs, strict=True))
    assert np.array_equal(ours.offsets, theirs.offsets)
    assert tables.half().cdfs.dtype == torch.int32


def test_missing_tables_are_named():
    with pytest.raises(CheckpointError, match=r"missing.*update_tables"):
        IntegerTables(2, 100).to_coder()


def test_tables_that_do_not_fit_are_refused():
    tables = IntegerTables(2, 100)
    tables.lengths.fill_(60)
    with pytest.raises(CheckpointError, match="120 entries, but the weights hold 100"):
        tables.to_coder()
