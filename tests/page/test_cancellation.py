"""Turns: work for an earlier wish ends, that of other visitors goes on."""

from types import SimpleNamespace

import gradio as gr
import pytest

from difficmh_core.ui.runtime import cancellation as turns_module
from difficmh_core.ui.runtime.cancellation import Turns, Wish

ME, OTHER = (SimpleNamespace(session_hash=name) for name in ("me", "other"))
SKIP = gr.skip()


@pytest.fixture
def turns():
    return Turns()


def counting(closed):
    try:
        yield from range(5)
    finally:
        closed.append(True)


def test_work_goes_on_while_nobody_asks_or_somebody_else_does(turns):
    event = turns.until_next(counting, Wish.PICTURE)
    assert list(event(ME, 0, [])) == [0, 1, 2, 3, 4]
    values = event(ME, turns.ask(Wish.FILE)(ME), [])
    next(values)
    for wish in Wish:
        turns.ask(wish)(OTHER)
    assert list(values) == [1, 2, 3, 4]


@pytest.mark.parametrize("of", list(Wish)[:2])
@pytest.mark.parametrize("wish", list(Wish))
def test_a_wish_ends_the_work_for_its_own_kind_and_those_before_it(turns, of, wish):
    closed = []
    values = turns.until_next(counting, of)(ME, 0, closed)
    next(values)
    turns.ask(wish)(ME)
    rest = list(values)
    assert closed == [True]
    # Gradio sends the last value twice: it must not be a picture of what is gone.
    assert rest == ([SKIP] if wish >= of else [1, 2, 3, 4])


def test_work_that_waited_while_another_wish_came_does_not_begin(turns):
    ticket = turns.ask(Wish.PICTURE)(ME)
    turns.ask(Wish.PICTURE)(ME)
    closed = []
    assert list(turns.until_next(counting, Wish.PICTURE)(ME, ticket, closed)) == [SKIP]
    assert closed == []  # it never began


def test_what_a_wish_led_to_is_not_ended_by_it(turns):
    ticket = turns.ask(Wish.PHOTO)(ME)
    values = turns.until_next(counting, Wish.PICTURE)(ME, ticket, [])
    assert list(values) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("wish", "shown"), [(Wish.FILE, ["a file"]), (Wish.PHOTO, [])])
def test_a_file_that_is_ready_is_shown_unless_its_photograph_is_gone(turns, wish, shown):
    def event():
        turns.ask(wish)(ME)  # while it is computed
        yield "a file"

    assert list(turns.until_next(event, Wish.FILE)(ME, 0)) == [*shown, SKIP]


def test_asking_only_if_something_follows(turns):
    assert turns.ask_if(Wish.PICTURE)(ME, False) == SKIP
    assert turns.ask_if(Wish.PICTURE)(ME, True) == 1
    both = turns.ask_if(Wish.FILE, lambda first, second: first and second)
    assert [both(ME, True, False), both(ME, True, True)] == [SKIP, 2]


def test_the_work_of_a_visitor_who_was_forgotten_goes_on(turns, monkeypatch):
    monkeypatch.setattr(turns_module, "_MAX_VISITORS", 1)
    values = turns.until_next(counting, Wish.FILE)(ME, turns.ask(Wish.FILE)(ME), [])
    next(values)
    turns.ask(Wish.FILE)(OTHER)
    assert list(values) == [1, 2, 3, 4]
