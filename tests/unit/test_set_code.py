"""The code for sets: every set has one code, in the fewest bytes."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difficmh_core.bitstream.set_code import decode_set, encode_set, set_code_bytes
from difficmh_core.errors import ConfigError, CorruptBitstreamError

VOCABULARY = 4585

sets_in_universes = st.integers(1, 5000).flatmap(
    lambda universe: st.tuples(
        st.sets(st.integers(0, universe - 1), max_size=64), st.just(universe)
    )
)


@given(sets_in_universes)
def test_round_trip(case):
    ids, universe = case
    code = encode_set(list(ids), universe)
    assert decode_set(code, len(ids), universe) == tuple(sorted(ids))
    assert len(code) == set_code_bytes(len(ids), universe)


@pytest.mark.parametrize("n", range(8))
def test_ranks_count_all_sets_of_a_small_universe_once(n):
    codes = [encode_set(ids, 7) for ids in itertools.combinations(range(7), n)]
    assert sorted(int.from_bytes(code, "big") for code in codes) == list(range(math.comb(7, n)))


def test_known_codes():
    assert encode_set([], VOCABULARY) == b""
    assert encode_set([0, 1, 2], VOCABULARY) == bytes(5)
    assert encode_set([4584], VOCABULARY).hex() == "11e8"
    assert encode_set([3, 70, 1500], VOCABULARY).hex() == "002175f27e"
    assert encode_set(range(4577, 4585), VOCABULARY).hex() == "03fb7c2f4cee1878d8e3bc"


def test_eight_of_the_published_tags_take_eleven_bytes():
    assert set_code_bytes(8, VOCABULARY) == 11


def test_no_code_is_longer_than_the_published_one():
    for n in range(65):
        assert set_code_bytes(n, VOCABULARY) <= math.ceil(13 * n / 8)


def test_order_costs_nothing():
    ids = random.Random(0).sample(range(VOCABULARY), 12)
    assert encode_set(ids, VOCABULARY) == encode_set(sorted(ids), VOCABULARY)


def test_whole_universe_takes_no_bytes():
    assert encode_set(range(9), 9) == b""
    assert decode_set(b"", 9, 9) == tuple(range(9))


@pytest.mark.parametrize("ids", [[-1], [VOCABULARY], [5, 5], [0, 3, VOCABULARY + 7]])
def test_ids_outside_the_vocabulary_or_given_twice_are_refused(ids):
    with pytest.raises(ConfigError):
        encode_set(ids, VOCABULARY)


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_every_rank_beyond_the_last_set_is_refused(n):
    n_sets, n_bytes = math.comb(VOCABULARY, n), set_code_bytes(n, VOCABULARY)
    assert decode_set((n_sets - 1).to_bytes(n_bytes, "big"), n, VOCABULARY)
    for rank in (n_sets, n_sets + 1, 256**n_bytes - 1):
        with pytest.raises(CorruptBitstreamError, match="no set"):
            decode_set(rank.to_bytes(n_bytes, "big"), n, VOCABULARY)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0", bytes(1000)])
def test_other_lengths_are_refused(data):
    with pytest.raises(CorruptBitstreamError):
        decode_set(data, 1, VOCABULARY)


@pytest.mark.parametrize("n", [-1, VOCABULARY + 1])
def test_sets_that_cannot_exist_are_refused(n):
    with pytest.raises(CorruptBitstreamError):
        decode_set(b"", n, VOCABULARY)
    with pytest.raises(ConfigError):
        set_code_bytes(n, VOCABULARY)
