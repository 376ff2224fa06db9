"""Agreement of depth: alignment and errors, by hand."""

import pytest
import torch

from difficmh_core.vision.depth import aligned, depth_agreement


def test_scale_and_shift_make_no_difference(generator):
    original = torch.rand(6, 8, generator=generator) + 0.5
    for decoded in (original, 3 * original, 0.1 * original + 7):
        found = depth_agreement(original, decoded)
        assert found["depth_absrel"] == pytest.approx(0, abs=1e-5)
        assert found["depth_delta1"] == 1


def test_alignment_is_least_squares(generator):
    values = torch.rand(5, 5, generator=generator, dtype=torch.float64)
    reference = torch.rand(5, 5, generator=generator, dtype=torch.float64)
    columns = torch.stack([values.flatten(), torch.ones(25, dtype=torch.float64)], dim=1)
    solved = torch.linalg.lstsq(columns, reference.flatten()).solution
    assert torch.allclose(aligned(values, reference), solved[0] * values + solved[1])
    flat = aligned(torch.full((5, 5), 3.0), reference.float())
    assert torch.allclose(flat, reference.float().mean().expand(5, 5))


def test_errors_are_of_depth_not_of_inverse_depth():
    # A flat answer becomes the mean of the inverse depths 1, 1, 2, 4: all at depth 1/2.
    original = torch.tensor([[1.0, 1.0], [2.0, 4.0]])
    found = depth_agreement(original, torch.zeros(2, 2))
    # Depths 1, 1, 1/2, 1/4 against 1/2: errors 1/2, 1/2, 0, 1.
    assert found["depth_absrel"] == pytest.approx(2 / 4)
    assert found["depth_delta1"] == pytest.approx(1 / 4)


def test_what_is_infinitely_far_counts_as_a_hundred_times_the_nearest():
    original = torch.tensor([[0.0, 1.0]])
    assert depth_agreement(original, original)["depth_absrel"] == 0
    turned = depth_agreement(original, torch.full((1, 2), 5.0))
    # Inverse depths 0.01 and 1 against 0.5 twice: depths 100 and 1 against 2.
    assert turned["depth_absrel"] == pytest.approx((98 / 100 + 1) / 2)
    assert depth_agreement(torch.zeros(2, 2), torch.zeros(2, 2))["depth_absrel"] == 0
