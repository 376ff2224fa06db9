"""One thread for sums that must not depend on their number."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from difficmh_core._support.threads import one_thread


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
