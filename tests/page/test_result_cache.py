"""Kept results: found again, forgotten in time, bounded, and for good only where asked."""

import pytest

from difficmh_core.ui.runtime.cache import Entry, ResultCache, key_of


def entry(text="picture", **facts) -> Entry:
    return Entry(data=text.encode(), facts=facts)


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_result_is_found_again_until_its_time_is_over(clock):
    cache = ResultCache(lifetime_s=600, clock=clock)
    cache.put("key", entry(steps=2))
    clock.now = 599
    assert cache.get("key").facts == {"steps": 2}
    clock.now = 601
    assert cache.get("key") is None


def test_memory_is_bounded_and_the_longest_unused_goes_first(clock):
    cache = ResultCache(max_bytes=30, clock=clock)
    for key in "abc":
        cache.put(key, entry("x" * 10))
    cache.get("a")
    cache.put("d", entry("x" * 10))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.n_bytes == 30


def test_only_what_is_kept_for_good_reaches_the_folder(tmp_path, clock):
    folder = tmp_path / "showcase"
    cache = ResultCache(folder, clock=clock)
    cache.put("visitor", entry())
    assert not folder.exists()
    cache.put("example", entry("png", seconds=1.5), for_good=True)
    later = ResultCache(folder)
    assert later.get("visitor") is None
    assert later.get("example").data == b"png"
    assert later.get("example").facts == {"seconds": 1.5}


def test_keys_differ_where_anything_differs():
    assert key_of("decode", b"a", 1) == key_of("decode", b"a", 1)
    assert len({key_of("a", "b"), key_of("ab"), key_of("a", b"b"), key_of("b", "a")}) == 4
