"""bfloat16 where the device computes in it, and nowhere else; cards tell what it was."""

from pathlib import Path

import pytest
import torch

from difficmh_core.training.loop import note_device
from difficmh_core.training.package import device_of
from difficmh_core.training.precision import device_name, has_bfloat16
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.network_card import read_network_card

NANO = Path(__file__).parents[2] / "difficmh_core" / "weights" / "nano"


@pytest.mark.parametrize(("capability", "expected"), [("AVX512", True), ("AVX2", False)])
def test_a_cpu_needs_avx512(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert has_bfloat16("cpu") is expected


def test_other_devices_say_no():
    assert has_bfloat16("mps") is False


def test_a_cpu_is_named_with_its_threads_and_how_many_processes():
    name = device_name(torch.device("cpu"), in_bfloat16=False, n_processes=2)
    assert name.startswith("2 x CPU (")
    assert name.endswith(f"{torch.get_num_threads()} threads, single precision)")


def test_cards_tell_every_device_in_order_and_none_twice_in_a_row(tmp_path):
    recipe = Recipe(photos=tmp_path, check=None, runs=tmp_path)
    for stage, device in [
        (StageName.CODEC, "A"),
        (StageName.CODEC, "A"),
        (StageName.JOINT, "A"),
        (StageName.JOINT, "B"),
        (StageName.FEW_STEP, "C"),
    ]:
        (tmp_path / stage).mkdir(exist_ok=True)
        note_device(tmp_path / stage, device)
    ran = (StageName.CODEC, StageName.JOINT)
    assert device_of(recipe, None, ran) == "A, then B"
    before = read_network_card(NANO / "control.safetensors")
    assert device_of(recipe, before, ran) == f"{before.device}, then A, then B"
    assert device_of(recipe, before, ()) == before.device
    assert device_of(recipe, None, (StageName.PRIOR,)) == "an unknown device"
