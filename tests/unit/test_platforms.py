"""The table of machines: its document is what the script writes, and requirements are read."""

import re

import pytest

from tests import platforms
from tests.platforms import DOCUMENT, GAPS, PLATFORMS, PYTHONS, Gap, Platform


def expected_table():
    return platforms.table_of([[platforms.cell_of(p, v) for v in PYTHONS] for p in PLATFORMS])


def test_the_document_holds_the_table_of_a_run_in_which_nothing_was_missing():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert expected_table() in text
    assert platforms.with_table(text, expected_table()) == text
    assert platforms.with_table(text, "| new |\n") == text.replace(expected_table(), "| new |\n")


def test_gaps_are_of_known_machines_and_required_packages():
    lines = platforms.lines_without([], ["requirements.txt"])
    names = [re.match(r"[\w-]+", line)[0] for line in lines]
    for gap in GAPS:
        assert gap.platform in [platform.name for platform in PLATFORMS]
        assert set(gap.pythons) <= set(PYTHONS)
        assert gap.package in names


def test_packages_are_left_out_of_the_lists_by_their_whole_name():
    lists = ["requirements.txt", "requirements-dev.txt"]
    every, some = (platforms.lines_without(out, lists) for out in ([], ["gradio", "pillow"]))
    assert {"torch", "gradio", "pytest"} <= {re.match(r"[\w-]+", line)[0] for line in every}
    assert len(every) - len(some) == 2
    assert any(line.startswith("pillow-heif") for line in some)


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        (set(), ["gap has a wheel now: take it out of GAPS."] * 2),
        ({"gap"}, []),
        ({"gap", "torch"}, ["torch has no wheel"] * 2),
        ({"torch"}, ["torch has no wheel"] * 2),
    ],
)
def test_a_missing_wheel_and_an_exception_that_is_none_are_found(missing, found, monkeypatch):
    def failure_of(platform, python, question, without, wheels):
        return next((f"{name} has no wheel" for name in sorted(missing - set(without))), None)

    monkeypatch.setattr(platforms, "failure_of", failure_of)
    monkeypatch.setattr(platforms, "GAPS", (Gap("gap", "here", ("3.11",), "yes, but", "why"),))
    assert list(platforms.findings(Platform("here", "here"), "3.11", DOCUMENT)) == found
    assert platforms.cell_of(Platform("here", "here"), "3.11") == "yes, but"
    assert platforms.cell_of(Platform("here", "here"), "3.12") == "yes"
