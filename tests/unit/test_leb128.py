"""Numbers in LEB128: many at once are read, and refused, as one by one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difficmh_core.bitstream.leb128 import read_all_leb128, read_leb128, write_leb128
from difficmh_core.errors import CorruptBitstreamError, TruncatedBitstreamError


def one_by_one(data):
    numbers, position = [], 0
    while position < len(data):
        number, position = read_leb128(data, position)
        numbers.append(number)
    return numbers


@given(st.lists(st.integers(0, 2**35 - 1)))
def test_numbers_come_back(numbers):
    assert read_all_leb128(b"".join(map(write_leb128, numbers))).tolist() == numbers


@given(st.lists(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), max_size=12).map(bytes))
def test_many_at_once_are_read_and_refused_as_one_by_one(data):
    try:
        expected = one_by_one(data)
    except (CorruptBitstreamError, TruncatedBitstreamError) as error:
        with pytest.raises(type(error)):
            read_all_leb128(data)
    else:
        assert read_all_leb128(data).tolist() == expected


def test_millions_are_read_in_a_moment():
    start = time.process_time()
    assert read_all_leb128(b"\x81\x01" * 1_000_000).sum() == 129_000_000
    assert time.process_time() - start < 1
