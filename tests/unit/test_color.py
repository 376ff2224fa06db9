"""Color fidelity: known answers, edges, and what the measures do not see."""

import colorsys
import math

import numpy as np
import pytest
import torch

from difficmh_core.config.comparison import COLOR_METRICS
from difficmh_core.errors import ImageError
from difficmh_core.quality.color import (
    color_shift,
    mean_block_error,
    saturation_change_percent,
    worst_block_error,
)
from difficmh_core.quality.metric import Group
from difficmh_core.quality.metrics import PICTURE_METRICS, QualityMeter

OF_MEANS = (mean_block_error, worst_block_error, color_shift)
TINT = torch.tensor([6.0, -3.0, 0.0]).view(3, 1, 1) / 255


def random_pictures(*size, seed=5):
    return 0.2 + 0.6 * torch.rand(*size, generator=torch.Generator().manual_seed(seed))


def errors(reference, decoded):
    """Mean block, worst block, and the whole picture, of one picture."""
    return [measure(reference, decoded).item() for measure in OF_MEANS]


def about(*values):
    return pytest.approx(values, abs=1e-3)


@pytest.mark.parametrize("size", [(64, 64), (128, 192), (65, 64), (100, 300)])
def test_a_tint_counts_as_its_mean_and_its_strongest_channel(size):
    reference = random_pictures(1, 3, *size)
    assert errors(reference, reference + TINT) == about(3.0, 6.0, 6.0)


def test_brighter_and_darker_are_equally_far():
    reference = torch.full((1, 3, 64, 64), 0.5)
    for sign in (1, -1):
        assert errors(reference, reference + sign * 4 / 255) == about(4.0, 4.0, 4.0)


@pytest.mark.parametrize("measure", [*OF_MEANS, saturation_change_percent])
def test_each_picture_of_a_batch_is_measured_alone(measure):
    reference = random_pictures(3, 3, 70, 130)
    decoded = torch.stack([reference[0] + TINT, reference[1], reference[2] - 2 * TINT])
    found = measure(reference, decoded)
    assert found[1].item() == 0.0
    for index in range(3):
        one = slice(index, index + 1)
        assert measure(reference[one], decoded[one]).item() == pytest.approx(found[index].item())
    assert found[2] > found[0] > 0


def test_one_wrong_block_is_the_worst_and_a_share_of_the_mean():
    reference = random_pictures(1, 3, 128, 192)
    decoded = reference.clone()
    decoded[:, :, 64:, 64:128] += 12 / 255
    assert errors(reference, decoded) == about(2.0, 12.0, 2.0)


def test_errors_of_opposite_sign_cancel_over_the_picture_but_not_over_blocks():
    reference = random_pictures(1, 3, 64, 128)
    decoded = reference.clone()
    decoded[..., :64] += 5 / 255
    decoded[..., 64:] -= 5 / 255
    assert errors(reference, decoded) == about(5.0, 5.0, 0.0)


def test_what_averages_out_within_a_block_is_not_seen():
    reference = torch.full((1, 3, 64, 64), 0.5)
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    decoded = reference + 0.2 * (1 - 2 * ((rows + columns) % 2))
    assert errors(reference, decoded) == about(0.0, 0.0, 0.0)


def test_blocks_are_all_squares_of_the_picture():
    reference, decoded = (random_pictures(1, 3, 128, 320, seed=seed) for seed in (1, 2))
    difference = 255 * (decoded - reference).double().numpy()
    blocks = np.abs(difference.reshape(3, 2, 64, 5, 64).mean(axis=(2, 4)))
    whole = np.abs(difference.mean(axis=(0, 2, 3))).max()
    assert errors(reference, decoded) == about(blocks.mean(), blocks.max(), whole)


def test_blocks_at_the_edge_are_whole_and_end_there():
    reference = torch.full((1, 3, 64, 100), 0.5)
    decoded = reference.clone()
    decoded[..., 68:] += 8 / 255  # half of the block from 36 to 100, nothing of the one before
    assert errors(reference, decoded) == about(2.0, 4.0, 8 * 32 / 100)


def test_a_picture_smaller_than_a_block_has_no_blocks(tmp_path):
    reference = random_pictures(1, 3, 63, 200)
    meter = QualityMeter(tmp_path)
    for key in ("color_blocks", "color_worst_block"):
        with pytest.raises(ImageError, match="needs at least 64 px"):
            meter.measure(key, reference, reference)
    value = meter.measure("color_shift", reference, reference + TINT)
    assert value.item() == pytest.approx(6.0, abs=1e-3)
    pixel = torch.zeros(1, 3, 1, 1)
    assert meter.measure("color_shift", pixel, pixel + 1).item() == 255.0


def test_saturation_is_that_of_hsv():
    reference, decoded = (random_pictures(1, 3, 5, 7, seed=seed) for seed in (1, 2))
    reference[..., 0, 0] = 0.0  # black has none

    def mean(picture):
        pixels = picture[0].double().flatten(1).T.tolist()
        return np.mean([colorsys.rgb_to_hsv(*pixel)[1] for pixel in pixels])

    expected = 100 * abs(mean(decoded) / mean(reference) - 1)
    found = saturation_change_percent(reference, decoded).item()
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 100.0), (0.5, 50.0), (1.5, 50.0)])
def test_a_paler_and_a_stronger_color_are_equally_far(share, expected):
    color = torch.tensor([0.6, 0.4, 0.3]).view(1, 3, 1, 1)
    reference = color.expand(1, 3, 8, 8)
    decoded = 0.6 + share * (reference - 0.6)
    found = saturation_change_percent(reference, decoded).item()
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_gray_original_has_no_saturation_to_change_but_a_tint_is_an_error():
    gray = random_pictures(1, 1, 64, 64).expand(1, 3, 64, 64)
    assert math.isnan(saturation_change_percent(gray, gray + TINT).item())
    assert math.isnan(saturation_change_percent(gray, gray).item())
    assert errors(gray, gray + TINT) == about(3.0, 6.0, 6.0)


def test_they_are_declared_as_errors_of_color():
    found = {key for key, metric in PICTURE_METRICS.items() if metric.group is Group.COLOR}
    assert found == set(COLOR_METRICS)
    for key in COLOR_METRICS:
        metric = PICTURE_METRICS[key]
        assert not metric.is_higher_better
        assert metric.lowest == 0.0
        assert metric.unit == ("%" if key == "saturation_change" else "of 255")
