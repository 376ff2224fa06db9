"""Published checkpoints: read without running them, every name accounted for, stripped once."""

import errno
import os
import pickle
import shutil
import sys
import types

import pytest
import torch

from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.weights.loading import read_safetensors
from difficmh_core.weights.published.checkpoint import PARTS, account_for, read_checkpoint
from difficmh_core.weights.published.stripped import rate_file, strip_checkpoint

WEIGHTS = {
    "betas": torch.zeros(3),
    "sqrt_recipm1_alphas_cumprod": torch.zeros(3),
    "control_model.scale_list": torch.ones(25),
    "preprocess_model.gaussian_conditional.scale_table": torch.zeros(0),
    "preprocess_model.entropy_bottleneck.quantiles": torch.ones(2, 1, 3),
    **{f"{prefix}weight": torch.rand(2, 3) for prefix in PARTS.values()},
}


class Hostile:
    """Runs a command when a careless program opens it."""

    def __reduce__(self):
        return os.system, ("touch hostile-was-run",)


@pytest.fixture
def lightning(monkeypatch):
    """A class under one of Lightning's names, which is gone again when the file is read."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    for parent in ("pytorch_lightning", "pytorch_lightning.callbacks", name):
        monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))

    class ModelCheckpoint:
        def __init__(self):
            self.best = 1.5

    ModelCheckpoint.__module__ = name
    ModelCheckpoint.__qualname__ = "ModelCheckpoint"
    sys.modules[name].ModelCheckpoint = ModelCheckpoint
    return ModelCheckpoint


@pytest.fixture
def path(lightning, tmp_path, monkeypatch):
    """A checkpoint as Lightning writes it."""
    place = tmp_path / "model.ckpt"
    content = {
        "epoch": 3,
        "state_dict": WEIGHTS,
        "callbacks": {lightning: {"best_model_score": torch.tensor(0.5)}, "it": lightning()},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.rand(2, 3)}}}],
    }
    torch.save(content, place)
    monkeypatch.delitem(sys.modules, lightning.__module__)
    return place


def test_only_named_tensors_are_read(path):
    read = read_checkpoint(path)
    assert read.keys() == WEIGHTS.keys()
    assert all(torch.equal(value, WEIGHTS[name]) for name, value in read.items())


def test_a_file_of_its_own_names_is_read(tmp_path):
    torch.save({"model": {"fc.weight": torch.ones(2)}}, tmp_path / "ram.pth")
    assert read_checkpoint(tmp_path / "ram.pth")["fc.weight"].tolist() == [1, 1]


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": WEIGHTS, "more": Hostile()}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match=r"asks to run .*system"):
        read_checkpoint(tmp_path / "model.ckpt")
    assert not (tmp_path / "hostile-was-run").exists()
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path / "old.ckpt")
    assert not (tmp_path / "hostile-was-run").exists()


@pytest.mark.parametrize("n_bytes", [0, 100, 1500])
def test_a_cut_file_is_refused(path, n_bytes):
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(path)


def test_what_holds_no_tensors_is_refused(tmp_path):
    torch.save({"state_dict": {"a": 1}}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match="'a' is a int"):
        read_checkpoint(tmp_path / "model.ckpt")


def test_every_name_has_a_place_or_a_reason():
    parts = account_for(WEIGHTS, "toy")
    assert sorted(WEIGHTS.keys() - {name for names in parts.values() for name in names}) == [
        "betas",
        "control_model.scale_list",
        "preprocess_model.gaussian_conditional.scale_table",
        "sqrt_recipm1_alphas_cumprod",
    ]
    assert parts["latent codec"] == [
        "preprocess_model.entropy_bottleneck.quantiles",
        "preprocess_model.weight",
    ]
    with pytest.raises(CheckpointError, match=r"1 tensors .*\(surprise\)"):
        account_for([*WEIGHTS, "surprise"], "toy")


def test_stripped_files_hold_what_is_needed_once(path, tmp_path):
    folder = tmp_path / "stripped"
    sizes = strip_checkpoint(path, folder, 4, dtype=torch.bfloat16)
    assert sizes == {file.name: file.stat().st_size for file in folder.iterdir()}
    contents = {name: read_safetensors(folder / name)[0] for name in sizes}
    kept = {name for content in contents.values() for name in content}
    assert kept == {name for names in account_for(WEIGHTS, "toy").values() for name in names}
    codec = contents[rate_file(4)]["preprocess_model.weight"]
    assert torch.equal(codec, WEIGHTS["preprocess_model.weight"])
    assert contents[rate_file(4)]["control_model.weight"].dtype == torch.bfloat16

    before = (folder / "shared.safetensors").stat().st_mtime_ns
    strip_checkpoint(path, folder, 16, dtype=torch.bfloat16)
    assert (folder / "shared.safetensors").stat().st_mtime_ns == before
    assert (folder / rate_file(16)).exists()
    with pytest.raises(CheckpointError, match="other shared weights"):
        strip_checkpoint(path, folder, 8)


def test_a_disk_too_small_for_the_stripped_files_is_noticed_before_writing(
    path, tmp_path, monkeypatch
):
    folder, usage = tmp_path / "stripped", shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=50))
    with pytest.raises(BackendUnavailableError, match=r"0\.00 GB free.*works without --stripped"):
        strip_checkpoint(path, folder, 4)
    assert list(folder.iterdir()) == []


def test_stripped_files_that_cannot_be_written_leave_nothing(path, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("difficmh_core.weights.published.stripped.save_file", full)
    with pytest.raises(BackendUnavailableError, match="No space left on device"):
        strip_checkpoint(path, tmp_path / "stripped", 4)
    assert list((tmp_path / "stripped").iterdir()) == []


def test_a_checkpoint_without_a_part_is_not_stripped(tmp_path):
    torch.save({"state_dict": {"control_model.weight": torch.ones(1)}}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match="lacks the autoencoder"):
        strip_checkpoint(tmp_path / "model.ckpt", tmp_path / "stripped", 4)
    assert not (tmp_path / "stripped").exists()
