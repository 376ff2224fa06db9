"""The best file within so many bytes: one search, whoever asks."""

from functools import cache

import pytest

from difficmh_core.config.profiles import preset_of
from difficmh_core.evaluation.codecs import OurCodec
from difficmh_core.rate_control import RateSearch, best_within


def search_of(sizes, made=None, **options):
    """A search among files of these sizes; notes in ``made`` what was coded."""
    made = [] if made is None else made

    def open_picture(image):
        made.append(image)
        return lambda level: made.append(level) or bytes(sizes[level])

    return RateSearch(open_picture, range(len(sizes)), **options)


def test_the_search_never_exceeds_the_bytes_where_sizes_waver(picture):
    for n_bytes in range(10, 70):
        coded = search_of([10, 30, 20, 50, 40, 60]).best_within(picture, n_bytes)
        assert coded.fits
        assert len(coded.data) <= n_bytes


def test_levels_beyond_the_first_too_large_file_are_tried_as_far_as_asked(picture):
    sizes = [10, 20, 40, 41, 25, 30, *range(50, 56)]
    for look_ahead, level in ((0, 1), (1, 1), (2, 4), (3, 5)):
        search = search_of(sizes, look_ahead=look_ahead)
        assert search.best_within(picture, 30).setting == level


def test_a_file_is_made_once_however_many_sizes_are_asked_for(picture):
    made = []
    search = search_of(range(0, 1010, 10), made, look_ahead=0)
    for n_bytes in (25, 55, 55, 1000):
        assert len(search.best_within(picture, n_bytes).data) == 10 * (n_bytes // 10)
    assert made[0] is picture
    levels = made[1:]
    assert len(levels) == len(set(levels)) < 25
    other = picture.copy()
    assert search.best_within(other, 25).setting == 2
    assert other in made


def test_what_is_too_large_at_every_level_is_the_smallest_and_marked(picture):
    made = []
    coded = search_of([70, 80, 90], made).best_within(picture, 60)
    assert (coded.setting, coded.fits, len(coded.data)) == (0, False, 70)
    assert made[1:] == [0]


@pytest.mark.parametrize("n_levels", [1, 2, 48, 101, 256])
def test_a_search_codes_no_more_often_than_bisection_and_what_lies_ahead(picture, n_levels):
    for n_bytes in range(n_levels + 2):
        made = []
        search_of(range(n_levels), made).best_within(picture, n_bytes)
        assert len(made) - 1 <= 1 + (n_levels - 1).bit_length() + 3


def test_a_comparison_measures_the_file_that_encode_writes(tiny_codec, picture, monkeypatch):
    """Also where sizes waver, as they do here: pairs of levels are swapped."""
    plain_coder, n_ahead = tiny_codec.coder, 0

    def coder(image, **options):
        at_level = plain_coder(image, **options)
        return lambda level: at_level(level ^ 1)

    monkeypatch.setattr(tiny_codec, "coder", coder)
    at_level = cache(coder(picture, tags=["tabby"]))
    search = tiny_codec.rate_search(tags=["tabby"])
    ours = OurCodec(tiny_codec, "instant", preset_of("tiny", "instant"), search)
    middle = [len(at_level(level).data) for level in range(120, 126)]
    assert middle != sorted(middle)
    for n_bytes in (*sorted({*middle, middle[0] - 1}), 100_000):
        written = tiny_codec.encode(picture, target_bytes=n_bytes, tags=["tabby"])
        assert ours.code(picture, n_bytes).data == written.data
        bisected = best_within(at_level, range(256), n_bytes, look_ahead=0)
        assert len(bisected.data) <= len(written.data) <= n_bytes
        n_ahead += bisected.data != written.data
    assert n_ahead, "looking ahead made no difference, so this test shows too little"
