"""One thread for sums that must not depend on their number."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from difficmh_core._support.threads import one_thread, spread


@pytest.fixture(autouse=True)
def _what_was_set_last():
    """Threads to come take over the number that any thread set last."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_block_is_not_disturbed_by_others_that_begin_and_end_beside_it():
    def count():
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for each, n_threads in ((first, 2), (second, 3)):
            each.submit(count).result()  # a thread takes over a number when it first asks for it
            each.submit(torch.set_num_threads, n_threads).result()
        blocks = one_thread(), one_thread()
        first.submit(blocks[0].__enter__).result()
        second.submit(blocks[1].__enter__).result()
        assert [each.submit(count).result() for each in (first, second)] == [1, 1]
        first.submit(blocks[0].__exit__, None, None, None).result()
        assert [each.submit(count).result() for each in (first, second)] == [2, 1]
        second.submit(blocks[1].__exit__, None, None, None).result()
        assert second.submit(count).result() == 3


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_parts_are_spread_over_threads_of_one_and_come_in_order(n_threads):
    def part(number):
        return number, torch.get_num_threads(), torch.is_inference_mode_enabled()

    with ThreadPoolExecutor(1) as caller:  # a thread whose number this test may change

        def run():
            torch.set_num_threads(n_threads)
            with torch.inference_mode(), one_thread():
                found = list(spread(part, range(7)))
            return found, torch.get_num_threads()

        assert caller.submit(run).result() == ([(n, 1, True) for n in range(7)], n_threads)


def test_parts_that_nobody_waits_for_do_not_begin():
    begun = []

    def part(number):
        begun.append(number)
        time.sleep(0.05)
        return number

    with ThreadPoolExecutor(1) as caller:

        def run():
            torch.set_num_threads(2)
            results = spread(part, range(50))
            next(results)
            results.close()

        caller.submit(run).result()
    assert len(begun) < 10
