"""Turns: work for an earlier wish ends, that of other visitors goes on."""

from types import SimpleNamespace

import pytest

from ui.turns import Turns

ME, OTHER = (SimpleNamespace(session_hash=name) for name in ("me", "other"))


@pytest.fixture
def turns():
    return Turns()


def counting(closed):
    try:
        yield from range(5)
    finally:
        closed.append(True)


def test_work_goes_on_while_nobody_asks_or_somebody_else_does(turns):
    event = turns.until_next(counting)
    assert list(event(ME, [])) == [0, 1, 2, 3, 4]
    values = event(ME, [])
    next(values)
    turns.ask(OTHER)
    turns.ask_anew(OTHER)
    assert list(values) == [1, 2, 3, 4]


@pytest.mark.parametrize("asked", ["ask", "ask_anew"])
def test_no_further_step_is_made_once_there_is_another_wish(turns, asked):
    closed = []
    values = turns.until_next(counting)(ME, closed)
    next(values)
    getattr(turns, asked)(ME)
    assert list(values) == []
    assert closed == [True]


def test_what_is_asked_for_before_the_work_begins_does_not_end_it(turns):
    values = turns.until_next(counting)(ME, [])
    turns.ask(ME)
    assert list(values) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("keeps_last", [False, True])
@pytest.mark.parametrize("asked", ["ask", "ask_anew"])
def test_the_step_under_way_is_shown_only_of_the_same_photograph(turns, asked, keeps_last):
    def event():
        getattr(turns, asked)(ME)  # while the step is computed
        yield "the file"

    shown = list(turns.until_next(event, keeps_last=keeps_last)(ME))
    assert shown == (["the file"] if keeps_last and asked == "ask" else [])
