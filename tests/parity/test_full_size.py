"""The rehearsal at full size, rehearsed with small networks: the same steps, in minutes."""

import json
import os
import sys

import pytest

from benchmarks.full_size.__main__ import rehearse
from benchmarks.full_size.checkpoint import Entry
from benchmarks.full_size.setup import Setup
from benchmarks.full_size.steps import STEPS
from tests.reduced_sd21 import reduced_weights

ELSEWHERE = {"load, and read every weight"}
"""Reads the full networks; no small program stands for it."""


@pytest.fixture(scope="module")
def setup(parity, tmp_path_factory):
    weights = reduced_weights(parity)
    program = [sys.executable, "-m", "tests.reduced_sd21", str(parity.folder)]
    return Setup(
        folder=tmp_path_factory.mktemp("rehearsal"),
        inventory={name: Entry(tuple(v.shape), v.dtype) for name, v in weights.items()},
        words=parity.path("data"),
        program=program,
        page=[*program, "app"],
        sizes=dict.fromkeys(("square", "wide", "large", "small"), (64, 64)),
    )


@pytest.mark.long
def test_every_step_passes(setup):
    results = setup.folder / "results.json"
    as_root = {name for name in STEPS if name == "refuse a full disk" and os.geteuid() != 0}
    names = [name for name in STEPS if name not in ELSEWHERE | as_root]
    passed = rehearse(setup, names, results)
    rows = json.loads(results.read_text())
    assert passed, {name: row["note"] for name, row in rows.items() if not row["passed"]}
    assert all(row["seconds"] > 0 and row["disk_gb"] > 0 for row in rows.values())
