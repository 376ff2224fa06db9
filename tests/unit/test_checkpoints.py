"""Damaged checkpoints and latents of a training run are refused, whatever is wrong with them."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from difficmh_core.errors import CheckpointError
from difficmh_core.training.checkpoints import (
    CHECKPOINT_NAME,
    TrainingState,
    holds_weights,
    load_checkpoint,
    read_average,
    save_checkpoint,
)
from difficmh_core.training.latents import read_latents
from difficmh_core.training.settings import StageSettings

METADATA = {"step": "3", "elapsed_s": "1.5", "settings": "{}"}


@pytest.fixture
def state():
    network = nn.Linear(2, 3)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    average = AveragedModel(network)
    optimizers = {"trained": optimizer}
    return TrainingState(trained=network, adversary=None, average=average, optimizers=optimizers)


@pytest.fixture
def path(state, tmp_path):
    place = tmp_path / CHECKPOINT_NAME
    save_checkpoint(place, state, StageSettings(minutes=1))
    return place


def test_a_checkpoint_goes_on(path, state):
    save_file(load_file(path), path, METADATA)
    load_checkpoint(path, state)
    assert (state.step, state.elapsed_s) == (3, 1.5)


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\xff" * 100])
def test_bytes_that_are_no_checkpoint_are_refused(path, state, content):
    path.write_bytes(content)
    for read in (
        lambda: load_checkpoint(path, state),
        lambda: read_average(path.parent),
        lambda: holds_weights(path.parent),
        lambda: read_latents(path),
    ):
        with pytest.raises(CheckpointError, match="cannot be read"):
            read()


@pytest.mark.parametrize("name", ["model.weight", "optimizer.trained.0.exp_avg_sq"])
def test_complex_numbers_are_refused(path, state, name):
    tensors = load_file(path)
    save_file(tensors | {name: tensors[name].to(torch.complex64)}, path, METADATA)
    with pytest.raises(CheckpointError, match=r"holds complex numbers, expected real ones"):
        load_checkpoint(path, state)


def test_moments_of_whole_numbers_are_refused(path, state):
    tensors = load_file(path)
    name = "optimizer.trained.0.exp_avg_sq"
    save_file(tensors | {name: tensors[name].to(torch.int32)}, path, METADATA)
    with pytest.raises(CheckpointError, match=r"has moments of .*torch\.int32"):
        load_checkpoint(path, state)


@pytest.mark.parametrize(
    "changed",
    [
        None,
        {"step": "many"},
        {"step": "-1"},
        {"step": "9" * 5000},
        {"elapsed_s": "nan"},
        {"elapsed_s": "-inf"},
    ],
)
def test_progress_that_is_no_number_is_refused(path, state, changed):
    save_file(load_file(path), path, None if changed is None else METADATA | changed)
    with pytest.raises(CheckpointError, match="its metadata say"):
        load_checkpoint(path, state)
    assert state.step == 0


@pytest.mark.parametrize("name", ["optimizer.trained.0.exp_avg", "optimizer.trained.7.exp_avg"])
def test_moments_of_other_parameters_are_refused(path, state, name):
    save_file(load_file(path) | {name: torch.ones(2, 3)}, path, METADATA)
    with pytest.raises(CheckpointError, match=r"has the moments .*\(2, 3\)"):
        load_checkpoint(path, state)


def test_moments_without_one_of_them_are_refused(path, state):
    tensors = load_file(path)
    del tensors["optimizer.trained.0.exp_avg_sq"]
    save_file(tensors, path, METADATA)
    with pytest.raises(CheckpointError, match="parameter 0 of trained has the moments"):
        load_checkpoint(path, state)


@pytest.mark.parametrize(
    "changed",
    [
        None,
        {"tags": "[" * 5000},
        {"tags": "no JSON"},
        {"tags": "[[1], [2]]"},
        {"tags": '[["1"]]'},
        {"scaling_factor": "inf"},
        {"scaling_factor": "0"},
        {"scaling_factor": "much"},
    ],
)
def test_latents_without_their_tags_and_factor_are_refused(tmp_path, changed):
    place, good = tmp_path / "latents.safetensors", {"tags": "[[1]]", "scaling_factor": "0.5"}
    latents = {"00000": torch.ones(2, 1, 1)}
    save_file(latents, place, good)
    assert read_latents(place)[1:] == ([[1]], 0.5)
    save_file(latents, place, None if changed is None else good | changed)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_latents(place)
