"""Weights as they lie in a file: not copied, and not widened before they are used."""

import pytest
import torch
from accelerate import init_empty_weights
from torch import nn

from difficmh_core.weights.in_place import settle
from difficmh_core.weights.loading import load_strict, read_safetensors
from difficmh_core.weights.safetensors_writing import write_safetensors


class Toy(nn.Module):
    """One layer of each kind that the published networks have."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.conv = nn.Conv2d(8, 8, kernel_size=3, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.line = nn.Linear(8, 4)
        self.table = nn.Parameter(torch.randn(4, 3))
        self.factor = nn.Parameter(torch.ones(()))
        self.register_buffer("index", torch.arange(10))

    def forward(self):
        rows = self.words(self.index)
        hidden = self.norm(self.conv(rows.T[None, :, :, None].expand(-1, -1, -1, 10)))
        return self.factor * self.line(hidden.mean(dim=(2, 3))) @ self.table


@pytest.fixture
def stored(tmp_path):
    """A file in half the precision, and what the network puts out with those weights."""
    torch.manual_seed(0)
    toy = Toy().requires_grad_(requires_grad=False)
    state = toy.state_dict()
    dtypes = {
        name: torch.bfloat16 if value.is_floating_point() else value.dtype
        for name, value in state.items()
    }
    path = tmp_path / "toy.safetensors"
    write_safetensors(state, dtypes, path)
    return path, toy.bfloat16().float()()


def filled(path):
    with init_empty_weights():
        toy = Toy()
    tensors, _ = read_safetensors(path)
    load_strict(toy, tensors, "toy")
    return toy.requires_grad_(requires_grad=False), tensors


def test_matrices_stay_as_stored_and_count_as_widened(stored):
    path, expected = stored
    toy, tensors = filled(path)
    settle(toy, "cpu", torch.float32)
    torch.testing.assert_close(toy(), expected)
    assert toy.conv.weight.dtype == toy.table.dtype == toy.factor.dtype == torch.float32
    kept = {value.data_ptr(): value for value in toy.parameters()}
    for name in ("words.weight", "conv.weight", "line.weight", "table"):
        assert kept[tensors[name].data_ptr()].dtype == torch.bfloat16
    n_bytes = sum(value.nbytes for value in toy.parameters())
    assert n_bytes < 0.6 * sum(4 * value.numel() for value in toy.parameters())


def test_weights_of_the_right_type_are_not_copied(tmp_path):
    toy = Toy()
    state = toy.state_dict()
    path = tmp_path / "toy.safetensors"
    write_safetensors(state, {name: value.dtype for name, value in state.items()}, path)
    other, tensors = filled(path)
    settle(other, "cpu", torch.float32)
    for name, value in other.state_dict().items():
        assert value.data_ptr() == tensors[name].data_ptr()
    assert torch.equal(other(), toy())


def test_wider_weights_are_narrowed(stored):
    toy = Toy().requires_grad_(requires_grad=False)
    settle(toy, "cpu", torch.bfloat16)
    assert {value.dtype for value in toy.parameters()} == {torch.bfloat16}


def test_what_is_written_one_by_one_is_read(tmp_path):
    tensors = {
        "empty": torch.zeros(0),
        "one": torch.tensor(2.5),
        "turned": torch.rand(4, 3).T,
        "numbers": torch.arange(5),
        "odd": torch.rand(3).bfloat16(),
        "bytes": torch.arange(7, dtype=torch.uint8),
    }
    path = tmp_path / "x.safetensors"
    write_safetensors(tensors, {name: value.dtype for name, value in tensors.items()}, path)
    read, _ = read_safetensors(path)
    assert read.keys() == tensors.keys()
    for name, value in tensors.items():
        assert read[name].dtype == value.dtype
        assert torch.equal(read[name], value)
