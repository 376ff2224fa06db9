"""The published tables are those that their data give."""

import json
from pathlib import Path

import pytest

from difficmh_core.evaluation.markdown import markdown_of

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.md")), ids=lambda path: path.stem)
def test_a_published_table_is_what_its_data_give(path):
    written = markdown_of(json.loads(path.with_suffix(".json").read_text()))
    assert path.read_text().rstrip("\n") == written.rstrip("\n")


def test_there_are_published_tables():
    assert len(list(RESULTS.glob("*.md"))) >= 4
