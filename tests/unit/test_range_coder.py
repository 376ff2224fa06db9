"""The range coder: any integers come back, their bytes never change, and damage is noticed."""

import math
import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difficmh_core.bitstream.range_coder import MAX_SYMBOL, CdfTables, RangeDecoder, RangeEncoder
from difficmh_core.errors import CheckpointError, CorruptBitstreamError

TOTAL = 1 << 16
# Frequencies of three tables: a peak, the steepest two slots, and 300 almost even ones.
FREQUENCIES = ([6, 54000, 11000, 500, 30], [TOTAL - 1, 1], [218] * 299 + [TOTAL - 218 * 299])
OFFSETS = [-1, 0, -150]


def make_tables(frequencies, offsets):
    cdfs = tuple(np.cumsum([0, *table], dtype=np.int64) for table in frequencies)
    return CdfTables(cdfs=cdfs, offsets=np.array(offsets, dtype=np.int64))


TABLES = make_tables(FREQUENCIES, OFFSETS)


def int32(values):
    return np.array(values, dtype=np.int32)


def encode(calls, tables=TABLES):
    encoder = RangeEncoder()
    for symbols, indexes in calls:
        encoder.encode(int32(symbols), int32(indexes), tables)
    return encoder.finish()


def decode(data, index_calls, tables=TABLES):
    decoder = RangeDecoder(data)
    symbols = [decoder.decode(int32(indexes), tables).tolist() for indexes in index_calls]
    decoder.finish()
    return symbols


@dataclass
class IntegerCoder:
    """The arithmetic of the format as its documentation states it, in whole numbers only."""

    low: int = 0
    width: int = (1 << 64) - 1
    n_words: int = 2

    def put(self, start: int, stop: int) -> None:
        """Code a slot with cumulative frequencies out of 2**24."""
        unit = self.width >> 24
        self.low, self.width = self.low + unit * start, unit * (stop - start)
        if self.width < 1 << 32:
            self.low, self.width, self.n_words = self.low << 32, self.width << 32, self.n_words + 1

    def put_call(self, symbols, indexes, frequencies, offsets) -> None:
        """Code one call of the encoder."""
        ranks = []
        for index, symbol in sorted(zip(indexes, symbols, strict=True), key=lambda pair: pair[0]):
            table, value = frequencies[index], symbol - offsets[index]
            escape = len(table) - 1
            if not 0 <= value < escape:
                ranks.append(-2 * value - 1 if value < 0 else 2 * (value - escape))
                value = escape
            self.put(256 * sum(table[:value]), 256 * sum(table[: value + 1]))
        lengths = [(rank + 1).bit_length() - 1 for rank in ranks]
        for n in lengths:
            self.put((1 << 24) - (1 << 24 - n), (1 << 24) - (1 << 23 - n) if n < 22 else 1 << 24)
        for length in range(1, 23):
            unit = 1 << 24 - length
            for rank, n in zip(ranks, lengths, strict=True):
                if n == length:
                    remainder = rank + 1 - (1 << n)
                    self.put(unit * remainder, unit * (remainder + 1))

    def finish(self) -> bytes:
        """Return the first of the shortest bytes that lie in the interval with any ending."""
        n_bytes = 4 * self.n_words
        n_kept, step = 0, 256**n_bytes
        while (value := -(-self.low // step) * step) + step > self.low + self.width:
            n_kept, step = n_kept + 1, step // 256
        return value.to_bytes(n_bytes, "big")[:n_kept]


symbols_of_any_size = st.one_of(
    st.integers(-4, 4), st.integers(-400, 400), st.integers(-MAX_SYMBOL, MAX_SYMBOL)
)


@st.composite
def table_sets(draw):
    frequencies = []
    for n_slots in draw(st.lists(st.integers(2, 40), min_size=1, max_size=5)):
        borders = draw(
            st.sets(st.integers(1, TOTAL - 1), min_size=n_slots - 1, max_size=n_slots - 1)
        )
        frequencies.append(np.diff([0, *sorted(borders), TOTAL]).tolist())
    offsets = [draw(symbols_of_any_size) for _ in frequencies]
    return frequencies, offsets


@st.composite
def coded_calls(draw):
    frequencies, offsets = draw(table_sets())
    one_call = st.lists(st.tuples(symbols_of_any_size, st.integers(0, len(offsets) - 1)))
    calls = draw(st.lists(one_call, max_size=4))
    return frequencies, offsets, [tuple(zip(*call, strict=True)) or ((), ()) for call in calls]


@settings(max_examples=100, deadline=None)
@given(coded_calls())
def test_any_symbols_come_back_and_have_the_documented_bytes(case):
    frequencies, offsets, calls = case
    tables = make_tables(frequencies, offsets)
    data = encode(calls, tables)
    assert decode(data, [indexes for _, indexes in calls], tables) == [
        list(symbols) for symbols, _ in calls
    ]
    oracle = IntegerCoder()
    for symbols, indexes in calls:
        oracle.put_call(symbols, indexes, frequencies, offsets)
    assert data == (oracle.finish() if any(symbols for symbols, _ in calls) else b"")


def test_long_sequences_have_the_documented_bytes():
    rng = np.random.default_rng(0)
    indexes = rng.integers(0, 3, 4000)
    symbols = np.rint(rng.normal(0, 60, 4000) * (indexes == 2)).astype(int)
    oracle = IntegerCoder()
    oracle.put_call(symbols.tolist(), indexes.tolist(), FREQUENCIES, OFFSETS)
    assert encode([(symbols, indexes)]) == oracle.finish()


def test_bytes_are_the_published_ones():
    assert encode([([0, 1, 2, -1, 0], [0, 0, 0, 0, 1]), ([7, -150, 148], [2, 2, 2])]).hex() == (
        "d0f7ff3cb3cd4b"
    )
    assert (
        encode([([5, -3, MAX_SYMBOL, -MAX_SYMBOL], [0, 0, 1, 2])]).hex()
        == "fffffffffcff8cfd10246f27cbb2ffffa4e3"
    )


def test_nothing_takes_no_bytes():
    assert encode([]) == b""
    assert encode([([], [])]) == b""
    assert decode(b"", [[], []]) == [[], []]


def test_many_likely_symbols_take_one_byte():
    zeros = [0] * 10_000
    assert encode([(zeros, [1] * 10_000)]) == b"\0"
    assert decode(b"\0", [[1] * 10_000]) == [zeros]


def test_all_probabilities_are_those_of_the_table():
    """A slot of frequency f costs 16 - log2(f) bits, the rarest and the likeliest alike."""
    for table, frequencies in enumerate(FREQUENCIES):
        for slot, frequency in enumerate(frequencies[:-1]):
            encoder = RangeEncoder()
            encoder.encode(int32([slot + OFFSETS[table]]), int32([table]), TABLES)
            assert encoder.n_bits == pytest.approx(16 - np.log2(frequency), abs=1e-6)


def test_payload_takes_its_information_and_at_most_a_bit_rounded_up_to_bytes():
    rng = np.random.default_rng(1)
    for n in range(1, 200):
        encoder = RangeEncoder()
        encoder.encode(int32(rng.integers(-200, 200, n)), np.full(n, 2, np.int32), TABLES)
        assert len(encoder.finish()) <= np.ceil((encoder.n_bits + 1) / 8)


def test_finish_changes_nothing():
    encoder = RangeEncoder()
    encoder.encode(int32([1, 2]), int32([0, 0]), TABLES)
    assert encoder.finish() == encoder.finish()
    encoder.encode(int32([100]), int32([2]), TABLES)
    assert encoder.finish() == encode([([1, 2], [0, 0]), ([100], [2])])


def test_symbols_of_every_table_come_back_in_their_order():
    rng = np.random.default_rng(2)
    indexes, symbols = rng.permutation(np.repeat([0, 1, 2], 500)), rng.integers(-300, 300, 1500)
    assert decode(encode([(symbols, indexes)]), [indexes]) == [symbols.tolist()]


@pytest.mark.parametrize("symbol", [MAX_SYMBOL + 1, -MAX_SYMBOL - 1, 2**31 - 1, -(2**31)])
def test_symbols_beyond_the_limit_are_refused(symbol):
    with pytest.raises(CheckpointError, match="holds -1048576 to 1048576"):
        encode([([symbol], [0])])


def test_decoded_symbols_beyond_the_limit_are_refused():
    low = make_tables([[1] * 30000 + [TOTAL - 30000]], [MAX_SYMBOL - 10])
    code = encode([([29_999], [0])], make_tables([[1] * 30000 + [TOTAL - 30000]], [0]))
    with pytest.raises(CorruptBitstreamError, match="allows -1048576"):
        RangeDecoder(code).decode(int32([0]), low)


@pytest.mark.parametrize("index", [-1, 3, 2**31 - 1])
def test_tables_that_do_not_exist_are_refused(index):
    with pytest.raises(ValueError, match="are asked for"):
        RangeDecoder(b"abc").decode(int32([0, index]), TABLES)
    with pytest.raises(ValueError, match="are asked for"):
        encode([([0, 0], [0, index])])


def test_symbols_without_an_index_are_refused():
    with pytest.raises(ValueError, match="table indexes"):
        encode([([1, 2], [0])])


@pytest.mark.parametrize(
    ("cdf", "offset"),
    [
        ([0, TOTAL], 0),
        ([1, 5, TOTAL], 0),
        ([0, 5, TOTAL - 1], 0),
        ([0, 5, 5, TOTAL], 0),
        ([0, 9, 5, TOTAL], 0),
        ([], 0),
        ([0, 5, TOTAL], MAX_SYMBOL + 1),
    ],
)
def test_damaged_tables_are_refused(cdf, offset):
    with pytest.raises(CheckpointError, match="Table 0 of the entropy coder is damaged"):
        CdfTables(cdfs=(np.array(cdf, np.int64),), offsets=np.array([offset]))


def test_tables_without_offsets_are_refused():
    with pytest.raises(CheckpointError, match="1 tables but 2 offsets"):
        CdfTables(cdfs=(np.array([0, 5, TOTAL]),), offsets=np.array([0, 0]))


def some_payload():
    rng = np.random.default_rng(3)
    indexes = rng.integers(0, 3, 200)
    symbols = np.where(indexes == 2, rng.integers(-200, 200, 200), rng.integers(-1, 3, 200))
    return encode([(symbols, indexes)]), indexes, symbols


def test_every_truncation_and_every_extension_is_refused():
    data, indexes, symbols = some_payload()
    assert decode(data, [indexes]) == [symbols.tolist()]
    others = [data[:length] for length in range(len(data))]
    others += [data + bytes([byte]) for byte in range(256)] + [data + bytes(50)]
    for other in others:
        with pytest.raises(CorruptBitstreamError):
            decode(other, [indexes])


@settings(max_examples=50, deadline=None)
@given(coded_calls(), st.binary(min_size=1, max_size=3))
def test_no_payload_begins_with_another(case, ending):
    frequencies, offsets, calls = case
    tables = make_tables(frequencies, offsets)
    data, index_calls = encode(calls, tables), [indexes for _, indexes in calls]
    for other in (data + ending, *(data[:-n_missing] for n_missing in range(1, len(data))[:4])):
        with pytest.raises(CorruptBitstreamError):
            decode(other, index_calls, tables)


def test_symbols_left_over_or_missing_are_refused():
    data, indexes, _ = some_payload()
    for n in (*range(1, 190, 20), 195):
        with pytest.raises(CorruptBitstreamError):
            decode(data, [indexes[:n]])
    with pytest.raises(CorruptBitstreamError, match="not the one that its symbols"):
        decode(data + b"\0", [indexes])


def test_a_payload_too_short_for_its_symbols_is_refused_before_they_are_read(monkeypatch):
    data, indexes, _ = some_payload()
    monkeypatch.setattr(RangeDecoder, "_decode", None)
    with pytest.raises(CorruptBitstreamError, match="but its symbols take at least"):
        decode(data, [np.tile(indexes, 1000)])


def test_no_symbol_takes_less_than_the_least_bits_of_its_table():
    tables = make_tables([[1, 65535], [30000, 30000, 5536]], [0, 0])
    assert tables.least_bits == pytest.approx([math.log2(65536 / 65535), math.log2(65536 / 30000)])


def test_every_payload_that_is_accepted_is_the_one_that_would_be_written():
    data, indexes, _ = some_payload()
    n_accepted = 0
    for bit in range(0, 8 * len(data), 3):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            (symbols,) = decode(bytes(damaged), [indexes])
        except CorruptBitstreamError:
            continue
        n_accepted += 1
        assert encode([(symbols, indexes)]) == damaged
    assert n_accepted < len(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(0, 2), max_size=60))
def test_arbitrary_bytes_never_crash(data, indexes):
    try:
        (symbols,) = decode(data, [indexes])
    except CorruptBitstreamError:
        return
    assert encode([(symbols, indexes)]) == data


def test_three_hundred_thousand_symbols_take_well_under_a_second():
    rng = np.random.default_rng(4)
    tables = make_tables([FREQUENCIES[i % 3] for i in range(256)], [0] * 256)
    indexes = rng.integers(0, 256, 300_000).astype(np.int32)
    symbols = rng.integers(0, 300, 300_000).astype(np.int32)
    symbols[indexes % 3 != 2] = 0
    start = time.process_time()
    encoder = RangeEncoder()
    encoder.encode(symbols, indexes, tables)
    decoder = RangeDecoder(encoder.finish())
    assert (decoder.decode(indexes, tables) == symbols).all()
    decoder.finish()
    assert time.process_time() - start < 2
