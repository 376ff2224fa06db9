"""Heavy events run on one thread, whoever calls them."""

import contextvars
import threading

import pytest

from difficmh_core.ui.runtime.worker import on_model_thread

asked = contextvars.ContextVar("asked", default="nobody")


@on_model_thread
def name_of_thread() -> str:
    return threading.current_thread().name


def call_elsewhere(event, results) -> None:
    thread = threading.Thread(target=lambda: results.append(event()))
    thread.start()
    thread.join()


def test_all_callers_share_one_thread():
    names = [name_of_thread()]
    for _ in range(3):
        call_elsewhere(name_of_thread, names)
    assert len(set(names)) == 1
    assert names[0] != threading.current_thread().name


def test_a_generator_runs_there_step_by_step_and_is_closed_when_left():
    threads = []

    @on_model_thread
    def steps():
        try:
            for index in range(5):
                threads.append(threading.current_thread().name)
                yield index
        finally:
            threads.append("closed")

    taken = steps()
    assert [next(taken), next(taken)] == [0, 1]
    taken.close()
    assert threads == [name_of_thread()] * 2 + ["closed"]
    assert list(steps()) == [0, 1, 2, 3, 4]


def test_errors_and_context_reach_the_other_side():
    @on_model_thread
    def refuse():
        raise ValueError(asked.get())

    asked.set("a visitor")
    with pytest.raises(ValueError, match="a visitor"):
        refuse()


def test_the_name_and_signature_stay():
    def event(photo: str, quality: int = 5) -> str:
        """Say what it does."""
        return photo * quality

    wrapped = on_model_thread(event)
    assert wrapped.__name__ == "event"
    assert wrapped.__doc__ == event.__doc__
    assert wrapped("a") == "aaaaa"
