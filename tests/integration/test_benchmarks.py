"""Every benchmark can be started: what it takes from the package is there."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_is_imported(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


def test_there_are_benchmarks():
    assert len(NAMES) >= 8
