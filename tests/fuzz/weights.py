"""Safetensors: weights, checkpoints of a training run, stored latents; and cards."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from difficmh_core.errors import CheckpointError
from difficmh_core.training.checkpoints import (
    CHECKPOINT_NAME,
    TrainingState,
    holds_weights,
    load_checkpoint,
    read_average,
)
from difficmh_core.training.latents import read_latents
from difficmh_core.weights.loading import load_strict, read_safetensors
from difficmh_core.weights.network_card import read_network_card
from difficmh_core.weights.storage import restored

_LENGTH_BYTES = 8


@cache
def folder():
    """Where the bytes become a file, for as long as this process lives."""
    return Path(mkdtemp(prefix="fuzz-weights-"))


def make_state():
    """A stage in the smallest size, with its optimizer after one step."""
    network = nn.Linear(2, 3)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return TrainingState(
        trained=network,
        adversary=None,
        average=AveragedModel(network),
        optimizers={"trained": optimizer},
    )


@cache
def waiting_state():
    """A stage into which nothing was loaded yet; making one takes longer than reading a file."""
    return make_state()


def fuzz(data):
    """Read a file as it is, and with the length of its header made to fit."""
    for candidate in (data, with_header_length(data)):
        read_everything(candidate)


def with_header_length(data):
    """The bytes with the length that ends the header at the last closing brace."""
    rest = data[_LENGTH_BYTES:]
    end = rest.rfind(b"}") + 1
    return end.to_bytes(_LENGTH_BYTES, "little") + rest


def read_everything(data):
    """Call every reader of such files; each returns what it promises, or a CheckpointError."""
    path = folder() / CHECKPOINT_NAME
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(data)
    state = waiting_state()
    for read in (
        lambda: check_tensors(read_safetensors(path)[0], len(data)),
        lambda: load_strict(nn.Linear(2, 3), restored(read_safetensors(path)[0], "it"), "it"),
        lambda: go_on(path, state),
        lambda: read_average(path.parent),
        lambda: holds_weights(path.parent),
        lambda: read_latents(path),
        lambda: read_network_card(path),
    ):
        try:
            read()
        except CheckpointError:
            continue


def go_on(path, state):
    """Load a checkpoint and take one more step, which fails if the moments do not fit."""
    load_checkpoint(path, state)
    waiting_state.cache_clear()
    if state.step < 0 or not state.elapsed_s >= 0:
        raise AssertionError(f"a stage goes on after {state.step} steps, {state.elapsed_s} s")
    state.trained(torch.ones(1, 2)).sum().backward()
    state.optimizers["trained"].step()


def check_tensors(tensors, n_bytes):
    """No tensor is larger than its file."""
    for name, value in tensors.items():
        if value.numel() * value.element_size() > n_bytes:
            raise AssertionError(f"{name} of {n_bytes} bytes has the shape {tuple(value.shape)}")
