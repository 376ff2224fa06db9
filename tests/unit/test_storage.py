"""How packaged weights are stored, and what is read back."""

import pytest
import torch
from torch import nn

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import load_strict
from difficmh_core.weights.storage import restored, round_to_half, stored


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(32, 32, kernel_size=3), nn.BatchNorm2d(32), nn.Linear(8, 8))
    with torch.no_grad():
        module[0].weight[0] = 0.0
        module[0].weight[1] *= 1e-3
    return module


def test_in_half_precision_whole_numbers_stay(module):
    tensors = stored(module)
    assert tensors["0.weight"].dtype == tensors["1.bias"].dtype == torch.float16
    assert tensors["1.num_batches_tracked"].dtype == torch.int64


def test_large_weights_take_8_bits_and_come_back_within_half_a_step_of_their_channel(module):
    tensors = stored(module, in_eight_bits="0")
    assert tensors["0.weight"].dtype == torch.int8
    assert tensors["2.weight"].dtype == tensors["0.bias"].dtype == torch.float16
    weight = restored(tensors, "toy")["0.weight"]
    largest = module[0].weight.abs().amax(dim=(1, 2, 3), keepdim=True)
    assert bool(((weight - module[0].weight).abs() <= largest / 254 + 1e-9).all())
    assert (weight[1] - module[0].weight[1]).abs().max() > 0
    assert weight[0].abs().max() == 0


def test_only_what_is_named_takes_8_bits(module):
    assert stored(module, in_eight_bits="2.")["0.weight"].dtype == torch.float16
    assert stored(module)["0.weight"].dtype == torch.float16


def test_what_is_stored_again_is_the_same(module):
    tensors = stored(module, in_eight_bits="0")
    load_strict(module, restored(tensors, "toy"), "toy")
    again = stored(module, in_eight_bits="0")
    assert tensors.keys() == again.keys()
    torch.testing.assert_close(tensors, again, rtol=1e-6, atol=0)


def test_rounding_to_half_is_what_half_precision_holds(module):
    tensors = stored(module)
    round_to_half(module)
    torch.testing.assert_close(module[0].weight.data, tensors["0.weight"].float(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("0.weight.step"), "with no steps"),
        (
            lambda tensors: tensors.update({"0.weight.step": torch.ones(1)}),
            r"with steps of the shape \(1,\); expected 32",
        ),
    ],
)
def test_weights_without_their_steps_are_refused(module, change, message):
    tensors = stored(module, in_eight_bits="0")
    change(tensors)
    with pytest.raises(CheckpointError, match=message):
        restored(tensors, "toy")
