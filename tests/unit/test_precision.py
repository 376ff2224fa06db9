"""bfloat16 where the device computes in it, and nowhere else."""

import pytest
import torch

from difficmh_core.training.precision import has_bfloat16


@pytest.mark.parametrize(("capability", "expected"), [("AVX512", True), ("AVX2", False)])
def test_a_cpu_needs_avx512(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert has_bfloat16("cpu") is expected


def test_other_devices_say_no():
    assert has_bfloat16("mps") is False
