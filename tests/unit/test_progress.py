"""How far work is: a bar on a terminal that is gone at the end; elsewhere lines, seldom."""

import io
import sys
import time
from types import SimpleNamespace

import pytest

from difficmh_core.cli import progress
from difficmh_core.cli.progress import told

STEPS = [SimpleNamespace(index=index, total=4) for index in (1, 2, 3, 4)]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_steps_are_passed_on(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    assert list(told(iter(STEPS), "decoding", "step")) == STEPS


def test_a_terminal_shows_a_bar_and_loses_it_again(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    steps = told(iter(STEPS), "decoding", "step")
    next(steps)
    assert "decoding: " in sys.stderr.getvalue()
    steps.close()  # as after an error
    assert sys.stderr.getvalue().split("\r")[-2].strip() == ""
    assert "\n" not in sys.stderr.getvalue()


def test_elsewhere_each_line_stands_alone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(progress, "_LINE_INTERVAL_S", 1e-9)
    list(told(iter(STEPS), "decoding", "step"))
    lines = sys.stderr.getvalue().split("\n")
    assert lines.pop() == ""
    assert [line[:9] for line in lines] == ["decoding:"] * 4
    assert "4/4" in lines[-1]


def test_what_is_quick_tells_nothing_there(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    list(told(iter(STEPS), "decoding", "step"))
    assert sys.stderr.getvalue() == ""


def test_elsewhere_the_last_line_tells_the_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(progress, "_LINE_INTERVAL_S", 0.05)
    steps = told(iter(STEPS), "decoding", "step")
    next(steps)
    time.sleep(0.1)
    assert len(list(steps)) == 3
    lines = sys.stderr.getvalue().splitlines()
    assert ["2/4" in lines[0], "4/4" in lines[-1], len(lines)] == [True, True, 2]
