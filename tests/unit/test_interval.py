"""The range coder without constriction: the same payloads, and the same symbols from any bytes."""

import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difficmh_core.bitstream import interval, range_coder
from difficmh_core.errors import CorruptBitstreamError
from tests.unit.test_range_coder import FREQUENCIES, OFFSETS, coded_calls, int32, make_tables

constriction = pytest.importorskip("constriction", reason="there is nothing to compare with")


@pytest.fixture(scope="module")
def alone():
    """The range coder as it is where constriction is not installed."""
    name = "range_coder_alone"
    spec = importlib.util.spec_from_file_location(name, range_coder.__file__)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "constriction", None)
        patch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    assert module._QUEUE is module._MODELS is interval
    assert range_coder._QUEUE is constriction.stream.queue
    return module


def tables_of(module, frequencies, offsets):
    known = make_tables(frequencies, offsets)
    return module.CdfTables(cdfs=known.cdfs, offsets=known.offsets)


def encoded(module, frequencies, offsets, calls):
    encoder, tables = module.RangeEncoder(), tables_of(module, frequencies, offsets)
    told = []
    for symbols, indexes in calls:
        encoder.encode(int32(symbols), int32(indexes), tables)
        told.append((encoder.n_bits, encoder.finish()))
    return told


def decoded(module, data, indexes):
    """What comes out of some bytes, whether they are a payload, and what is complained about."""
    decoder = module.RangeDecoder(data)
    told = []
    try:
        for part in indexes:
            symbols = decoder.decode(int32(part), tables_of(module, FREQUENCIES, OFFSETS))
            told.append((symbols.tolist(), decoder.n_bits))
        decoder.finish()
    except CorruptBitstreamError as error:
        told.append(str(error))
    return told


@settings(max_examples=100, deadline=None)
@given(case=coded_calls())
def test_payloads_are_constrictions_after_every_call(alone, case):
    assert encoded(alone, *case) == encoded(range_coder, *case)


def test_long_payloads_with_carries_are_constrictions(alone):
    rng = np.random.default_rng(0)
    indexes = rng.integers(0, 3, 20_000)
    symbols = np.rint(rng.normal(0, 60, 20_000) * (indexes == 2)).astype(int)
    calls = list(zip(np.split(symbols, 20), np.split(indexes, 20), strict=True))
    assert encoded(alone, FREQUENCIES, OFFSETS, calls) == encoded(
        range_coder, FREQUENCIES, OFFSETS, calls
    )


def test_a_carry_passes_through_full_words():
    encoder = interval.RangeEncoder()
    encoder._words = [7, 0xFFFFFFFF, 0xFFFFFFFF]
    encoder._low, encoder._width = (1 << 64) - 5, 1 << 40
    halves = interval.Uniform(2)
    encoder.encode(int32([1]), halves)
    assert encoder._words == [8, 0, 0]
    assert encoder.pos() == (3, ((1 << 39) - 5, 1 << 39))
    encoder._words, encoder._low = [7, 0xFFFFFFFF], (1 << 64) - 5
    assert encoder.get_compressed().tolist() == [8, 0, 0]


bytes_of_any_kind = st.one_of(
    st.binary(max_size=40), st.integers(0, 40).map(lambda n: b"\xff" * n), st.just(b"")
)


@settings(max_examples=200, deadline=None)
@given(
    data=bytes_of_any_kind,
    indexes=st.lists(st.lists(st.integers(0, 2), max_size=30), max_size=3),
)
def test_any_bytes_are_read_or_refused_as_by_constriction(alone, data, indexes):
    assert decoded(alone, data, indexes) == decoded(range_coder, data, indexes)


@settings(max_examples=50, deadline=None)
@given(case=coded_calls(), damage=st.tuples(st.integers(0, 200), st.integers(1, 255)))
def test_damaged_payloads_are_read_or_refused_as_by_constriction(alone, case, damage):
    data = bytearray([(0.0, b""), *encoded(range_coder, *case)][-1][1])
    if data:
        data[damage[0] % len(data)] ^= damage[1]
    indexes = [[index % 3 for index in of] for _, of in case[2]]
    assert decoded(alone, bytes(data), indexes) == decoded(range_coder, bytes(data), indexes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: interval.Categorical(np.array([1.0, 2.0]), perfect=False), "as they are"),
        (lambda: interval.Categorical(np.array([2.0**24 - 3, 1]), perfect=True), "as they are"),
        (lambda: interval.Uniform(3), "do not divide"),
    ],
)
def test_models_that_constriction_would_round_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
