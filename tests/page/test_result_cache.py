"""Kept results: found again, forgotten in time, bounded, and for good only where asked."""

import weakref

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
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_what_is_larger_than_memory_is_not_kept_and_displaces_nothing(clock):
    cache = ResultCache(max_bytes=30, clock=clock)
    cache.put("a", entry("x" * 30))
    cache.put("b", entry("x" * 31))
    assert cache.get("a") is not None
    assert cache.get("b") is None


def test_what_nobody_asks_for_again_leaves_memory(clock):
    class Traced(Entry):
        """Without slots, so that it can be watched."""

    cache = ResultCache(lifetime_s=600, clock=clock)
    kept = Traced(data=b"picture", facts={})
    gone = weakref.ref(kept)
    cache.put("key", kept)
    del kept
    clock.now = 601
    cache.get("another")
    assert gone() is None


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
