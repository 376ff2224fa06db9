"""The speed benchmark runs without a GPU, at reduced size, and counts what it says."""

from argparse import Namespace

import pytest
import torch

from benchmarks.decode import OURS, PLAIN, factors, measured, operations, ours
from benchmarks.memory import LiveTensors, peak_of_stages
from difficmh_core.config.profiles import SD21, TINY
from difficmh_core.tagging.ram import RamConfig


def test_every_way_size_and_step_count_is_a_line():
    lines = list(
        measured(
            Namespace(
                profile="tiny", device="cpu", sizes=["64x64", "128x64"], steps=[1, 3], guidance=5.0
            )
        )
    )
    assert [(line["way"], line["size"], line["steps"]) for line in lines] == [
        (way, size, steps)
        for way in (OURS, PLAIN)
        for size in ("64x64", "128x64")
        for steps in (1, 3)
    ]
    for line in lines:
        assert line["ms"] > 0
        assert line["steps_per_s"] == pytest.approx(1000 * line["steps"] / line["ms"], rel=0.05)
        assert line["share_of_peak"] >= 0
        assert line["memory_gb"] > 0
        assert line["first_picture_s"] >= 0
    counted = {(line["way"], line["size"], line["steps"]): line["tflop"] for line in lines}
    for way in (OURS, PLAIN):
        for size in ("64x64", "128x64"):
            assert 0 < counted[way, size, 1] < counted[way, size, 3] < 3 * counted[way, size, 1]
        assert counted[way, "128x64", 3] == pytest.approx(2 * counted[way, "64x64", 3], rel=0.1)
    assert len(factors(lines)) == 4


@pytest.mark.slow
def test_operations_are_the_published_networks():
    """Counted by hand at 512 x 512 px: 1.08 TFLOP an evaluation, two with guidance."""
    _, a_step = operations(ours, SD21, 5.0, "512x512")
    assert a_step / 1e12 == pytest.approx(2 * 1.08, rel=0.01)


def test_live_tensors_are_counted_until_they_are_freed():
    before = torch.nn.Linear(10, 10)
    with LiveTensors([before]) as live:
        a = torch.zeros(1000)
        b = a + 1
        before.weight.t()
        del a
        c = b * 2
    assert live.peak_bytes == 8000
    assert live.n_bytes == b.nbytes + c.nbytes


@pytest.mark.long
def test_a_4k_picture_fits_24_gb():
    peaks = peak_of_stages(SD21, 3840, 2160, tagger=RamConfig())
    assert peaks["weights"] == pytest.approx(4.86, abs=0.01)
    stages = {name: peak for name, peak in peaks.items() if name != "weights"}
    assert 4 * max(stages.values()) + peaks["weights"] < 24  # room for the libraries' workspaces


def test_stages_take_memory_in_proportion_to_the_picture_and_weights_none():
    small, large = (peak_of_stages(TINY, 512, 64 * n) for n in (4, 8))
    assert small["weights"] == large["weights"]
    for name in small.keys() - {"weights"}:
        assert large[name] == pytest.approx(2 * small[name], rel=0.1), name
