"""What is made once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from difficmh_core._support.once import once


def test_threads_that_ask_at_once_get_the_same():
    made, barrier = [], threading.Barrier(4, timeout=10)

    def make():
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    get = once(make)

    def ask(_):
        barrier.wait()
        return get()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(ask, range(4))) == set(made)
    assert len(made) == 1


def test_what_failed_is_tried_again():
    answers = iter([ZeroDivisionError(), "made"])

    def make():
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    get = once(make)
    with pytest.raises(ZeroDivisionError):
        get()
    assert get() == get() == "made"
