"""The correction list is small, canonical, and refuses damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difficmh_core.compression.corrections import read_corrections, write_corrections
from difficmh_core.errors import CorruptBitstreamError


def test_known_bytes():
    assert write_corrections({}) == b""
    assert write_corrections({0: 1}) == b"\x01"
    assert write_corrections({3: 0, 4: 1, 104: 1}) == b"\x06\x01\xc7\x01"


@given(st.dictionaries(st.integers(0, 10**7), st.integers(0, 1), max_size=50))
def test_round_trip(parities):
    corrections = read_corrections(write_corrections(parities), 10**7 + 1)
    assert list(zip(*map(list, corrections), strict=True)) == sorted(parities.items())


@pytest.mark.parametrize("data", [b"\x80", b"\x01\xff", b"\x80\x00", b"\x81\x80\x00"])
def test_incomplete_and_overlong_entries_are_refused(data):
    with pytest.raises(CorruptBitstreamError, match=r"entry|more than it must"):
        read_corrections(data, 10**6)


def test_a_position_behind_the_end_is_refused():
    with pytest.raises(CorruptBitstreamError, match="names choice 7, but the file holds 7"):
        read_corrections(write_corrections({7: 0}), 7)
