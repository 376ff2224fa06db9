"""Weights are loaded strictly, and files can make numbers and nothing else."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import (
    first_line,
    load_strict,
    read_safetensors,
    read_torch_file,
)
from difficmh_core.weights.pickled_arrays import read_numpy_pickle


@pytest.fixture
def module() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.fixture
def tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    return {key: torch.ones_like(value) for key, value in module.state_dict().items()}


def test_weights_arrive(module, tensors):
    load_strict(module, tensors, "toy")
    assert all(torch.equal(value, tensors[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_half_precision_is_converted_to_the_modules_own(module, tensors, device):
    module = module.to(device)  # on "meta" it has no values yet
    tensors["0.weight"] = tensors["0.weight"].half()
    load_strict(module, tensors, "toy")
    assert module[0].weight.dtype == torch.float32
    assert torch.equal(module[0].weight, torch.ones(3, 2))


def test_a_missing_and_an_unexpected_tensor_are_named(module, tensors):
    tensors["0.wight"] = tensors.pop("0.weight")
    with pytest.raises(
        CheckpointError, match=r"toy.*1 \(0\.weight\) missing, 1 \(0\.wight\) unexpected"
    ):
        load_strict(module, tensors, "toy")


def test_many_names_are_cut_short(module):
    with pytest.raises(CheckpointError, match=r"7 \(0\.bias, .*, \.\.\.\) missing, none unexp"):
        load_strict(module, {}, "toy")


def test_another_shape_is_refused(module, tensors):
    tensors["0.bias"] = torch.ones(4)
    with pytest.raises(CheckpointError, match=r"0\.bias has the shape \(4,\), expected \(3,\)"):
        load_strict(module, tensors, "toy")


def test_another_kind_of_number_is_refused(module, tensors):
    tensors["0.bias"] = torch.ones(3, dtype=torch.int64)
    with pytest.raises(CheckpointError, match=r"0\.bias holds torch\.int64"):
        load_strict(module, tensors, "toy")


def test_nothing_is_changed_by_weights_that_do_not_fit(module, tensors):
    before = {key: value.clone() for key, value in module.state_dict().items()}
    tensors["1.bias"] = torch.ones(4)
    with pytest.raises(CheckpointError):
        load_strict(module, tensors, "toy")
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_safetensors_come_with_their_metadata(tmp_path):
    path = tmp_path / "toy.safetensors"
    save_file({"a": torch.arange(3.0)}, path, metadata={"profile": "nano"})
    tensors, metadata = read_safetensors(path)
    assert tensors["a"].tolist() == [0, 1, 2]
    assert metadata == {"profile": "nano"}


@pytest.mark.parametrize("read", [read_safetensors, read_torch_file, read_numpy_pickle])
def test_missing_and_damaged_files_are_refused(tmp_path, read):
    for content in (None, b"", b"garbage that is no file of weights"):
        path = tmp_path / "toy.bin"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"toy\.bin cannot be read"):
            read(path)


def test_nested_arrays_are_read_with_joined_names(tmp_path):
    path = tmp_path / "toy.ckpt"
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    path.write_bytes(pickle.dumps({"net": {"conv": {"kernel": kernel}}, "n": np.array([1])}))
    tensors = read_numpy_pickle(path)
    assert tensors["net.conv.kernel"].tolist() == kernel.tolist()
    assert tensors["n"].tolist() == [1]


class Bomb:
    def __reduce__(self):
        return (eval, ("1 / 0",))


@pytest.mark.parametrize(
    "content", [Bomb(), {"a": Bomb()}, {"a": "text"}, {"a": np.array([None])}, [1, 2]]
)
def test_a_pickle_of_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "toy.ckpt"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"toy\.ckpt cannot be read"):
        read_numpy_pickle(path)


@pytest.mark.parametrize(
    "content",
    [
        {"a": Bomb()},
        {"a": 1},
        [torch.ones(1)],
        {1: torch.ones(1)},
        {"a": torch.ones(1, dtype=torch.complex64)},
    ],
)
def test_a_torch_file_of_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "toy.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"toy\.pth cannot be read"):
        read_torch_file(path)


def test_a_torch_file_of_tensors_is_read(tmp_path):
    path = tmp_path / "toy.pth"
    torch.save({"a": nn.Parameter(torch.ones(2))}, path)
    tensors = read_torch_file(path)
    assert not tensors["a"].requires_grad


def test_a_tensor_larger_than_its_file_is_refused(tmp_path):
    path = tmp_path / "toy.pth"
    for value in (torch.ones(1).expand(1 << 40), torch.ones(1, device="meta")):
        torch.save({"a": value}, path)
        with pytest.raises(CheckpointError, match=r"announces .* values that the file does not"):
            read_torch_file(path)


def test_an_error_without_words_is_told_by_its_class(tmp_path):
    assert first_line(EOFError()) == "EOFError"
    assert first_line(ValueError("one.\ntwo")) == "one"
