"""Cancellation: work for an earlier request ends, that of other visitors goes on."""

from types import SimpleNamespace

import gradio as gr
import pytest

from difficmh_core.ui.runtime import cancellation as cancellation_module
from difficmh_core.ui.runtime.cancellation import Cancellation, RequestKind

ME, OTHER = (SimpleNamespace(session_hash=name) for name in ("me", "other"))
SKIP = gr.skip()


@pytest.fixture
def cancellation():
    return Cancellation(gr.Number(0))


@pytest.fixture
def run(cancellation):
    """Run an event for me, which a request led to."""

    def started(event, of, request_id=0):
        values = {cancellation.request_id: request_id}
        return cancellation.until_next(event, of)(ME, values)

    return started


def counting_to(n, closed=None):
    def counting(_values):
        try:
            yield from range(n)
        finally:
            if closed is not None:
                closed.append(True)

    return counting


def test_work_goes_on_while_nobody_asks_or_somebody_else_does(cancellation, run):
    assert list(run(counting_to(5), RequestKind.PICTURE)) == [0, 1, 2, 3, 4]
    request_id = cancellation.request(RequestKind.FILE)(ME)
    values = run(counting_to(5), RequestKind.PICTURE, request_id)
    next(values)
    for kind in RequestKind:
        cancellation.request(kind)(OTHER)
    assert list(values) == [1, 2, 3, 4]


@pytest.mark.parametrize("of", list(RequestKind)[:2])
@pytest.mark.parametrize("kind", list(RequestKind))
def test_a_request_ends_the_work_for_its_own_kind_and_those_before_it(cancellation, run, of, kind):
    closed = []
    values = run(counting_to(5, closed), of)
    next(values)
    cancellation.request(kind)(ME)
    rest = list(values)
    assert closed == [True]
    # Gradio sends the last value twice: it must not be a picture of what is gone.
    assert rest == ([SKIP] if kind >= of else [1, 2, 3, 4])


def test_work_that_waited_while_another_request_came_does_not_begin(cancellation, run):
    request_id = cancellation.request(RequestKind.PICTURE)(ME)
    cancellation.request(RequestKind.PICTURE)(ME)
    closed = []
    assert list(run(counting_to(5, closed), RequestKind.PICTURE, request_id)) == [SKIP]
    assert closed == []  # it never began


def test_what_a_request_led_to_is_not_ended_by_it(cancellation, run):
    request_id = cancellation.request(RequestKind.PHOTO)(ME)
    values = run(counting_to(5), RequestKind.PICTURE, request_id)
    assert list(values) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "shown"), [(RequestKind.FILE, ["a file"]), (RequestKind.PHOTO, [])]
)
def test_a_file_that_is_ready_is_shown_unless_its_photograph_is_gone(
    cancellation, run, kind, shown
):
    def event(_values):
        cancellation.request(kind)(ME)  # while it is computed
        yield "a file"

    assert list(run(event, RequestKind.FILE)) == [*shown, SKIP]


def test_an_event_that_changes_nothing_empties_nothing(run):
    assert list(run(counting_to(0), RequestKind.FILE)) == [SKIP]


def test_a_request_is_noted_only_if_something_follows(cancellation):
    noted = cancellation.request_if(RequestKind.PICTURE, lambda values: values["is_wanted"])
    assert noted(ME, {"is_wanted": False}) == SKIP
    assert noted(ME, {"is_wanted": True}) == 1


def test_the_work_of_a_visitor_who_was_forgotten_goes_on(cancellation, run, monkeypatch):
    monkeypatch.setattr(cancellation_module, "_MAX_VISITORS", 1)
    request_id = cancellation.request(RequestKind.FILE)(ME)
    values = run(counting_to(5), RequestKind.FILE, request_id)
    next(values)
    cancellation.request(RequestKind.FILE)(OTHER)
    assert list(values) == [1, 2, 3, 4]
