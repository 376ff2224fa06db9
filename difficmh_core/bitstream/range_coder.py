"""The range coder: integers to bytes and back, by tables that both sides know.

A table has 16 bits of precision: slot ``s`` holds the cumulative frequencies ``cdf[s]`` to
``cdf[s + 1]`` out of 65536. All slots but the last stand for consecutive integers; the last is the
escape, which announces an integer outside the table.

One call codes many integers, in this order:

1. for each table in ascending order, the slots of its integers, in the order of the call;
2. of all integers that escaped, in the same order, the number of bits ``n`` of ``rank + 1``
   behind its leading one, with probability ``2**-(n + 1)`` (the last of the 23 takes the rest);
3. for each ``n`` from 1, in the same order, these ``n`` bits, as one uniform number.

With ``v = symbol - offset`` and ``m`` the escape slot, ``rank`` is ``-2 * v - 1`` below the table
and ``2 * (v - m)`` above it; steps 2 and 3 are an Exp-Golomb code.

Arithmetic. The interval starts as ``low = 0``, ``width = 2**64 - 1``. A slot with the cumulative
frequencies ``a`` to ``b`` out of ``2**24`` (256 times those of the table) makes it
``low += (width >> 24) * a``, ``width = (width >> 24) * (b - a)``; while ``width < 2**32``, both
grow by 32 bits. The payload is the first of the shortest byte strings, most significant byte
first, that lie in ``[low, low + width)`` whatever follows them. So every sequence of integers has
exactly one payload, and of two payloads for the same tables none begins with the other: what was
cut off or appended cannot go unnoticed. An empty sequence takes no bytes.

constriction does this arithmetic; on machines that it is not published for, Linux on ARM among
them, :mod:`difficmh_core.bitstream.interval` does the same. constriction takes probabilities ``p``
as floating-point numbers and gives slot ``s`` the left border ``floor(scale * sum(p[:s])) + s``,
where ``scale`` is ``(2**24 - n_slots) / sum(p)`` (its ``perfect=False``). We pass ``p[s] = 256 *
frequency - 1``: integers that sum to ``2**24 - n_slots``, so that ``scale`` is exactly 1 and every
partial sum is an integer below ``2**24``, exact even in single precision. Nothing is ever rounded,
and the borders are 256 times the table's on every machine.

References:
    Martin: Range encoding, 1979.
    Bamler: Understanding entropy coding, 2022 (on constriction), https://arxiv.org/abs/2201.01741
    Teuhola: A compression method for clustered bit-vectors, 1978 (Exp-Golomb code).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difficmh_core.bitstream import interval
from difficmh_core.errors import CheckpointError, CorruptBitstreamError

MAX_SYMBOL = 1 << 20
"""Integers from minus this to this can be coded."""

_TABLE_TOTAL = 1 << 16
_CODER_TOTAL = 1 << 24
_WORD_BITS = 32
_STATE_BITS = 64
_MAX_ESCAPE_BITS = 22
"""A rank is at most ``2 * (2**20 + 2**20) + 1``, below ``2**23 - 1``."""
_TOLERANCE_BITS = 1.0
"""What the floating-point sum of a million logarithms cannot reach in rounding errors."""


def _arithmetic() -> tuple[Any, Any]:
    """Return what codes slots, and the models of slots: constriction's, or ours without it."""
    try:
        import constriction
    except ModuleNotFoundError:
        return interval, interval
    return constriction.stream.queue, constriction.stream.model


_QUEUE, _MODELS = _arithmetic()


def _make_model(frequencies: NDArray[np.int64]) -> Any:  # noqa: ANN401 (constriction is untyped)
    """Return the model of integer frequencies that sum to ``2**24``, exactly."""
    weights = (frequencies - 1).astype(np.float64)
    return _MODELS.Categorical(weights, perfect=False)


def _make_length_model() -> Any:  # noqa: ANN401
    """Return the model of a rank's number of bits."""
    frequencies = _CODER_TOTAL >> np.arange(1, _MAX_ESCAPE_BITS + 2)
    frequencies[-1] = _CODER_TOTAL - frequencies[:-1].sum()
    return _make_model(frequencies)


_ESCAPE_LENGTH_MODEL = _make_length_model()
_ESCAPE_BITS_MODELS = {
    n_bits: _MODELS.Uniform(1 << n_bits) for n_bits in range(1, _MAX_ESCAPE_BITS + 1)
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CdfTables:
    """A set of tables, checked and made ready for the coder once.

    Attributes:
        cdfs: For each table its cumulative frequencies, strictly increasing from 0 to 65536; one
            more than there are slots, of which there are at least two.
        offsets: For each table the integer of its first slot, -2**20 to 2**20.
        escape_slots: For each table the number of its last slot.
        least_bits: For each table what its most probable slot takes [bit]; no integer takes less.
        models: The tables as the arithmetic wants them.
    """

    cdfs: tuple[NDArray[np.int64], ...]
    offsets: NDArray[np.int64]
    escape_slots: NDArray[np.int64] = field(init=False, repr=False)
    least_bits: NDArray[np.float64] = field(init=False, repr=False)
    models: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse tables that no coder could use.

        Raises:
            CheckpointError: If a table is not as described above.
        """
        if len(self.cdfs) != len(self.offsets):
            raise CheckpointError(
                f"The entropy coder has {len(self.cdfs)} tables but {len(self.offsets)} offsets. "
                "Load the published weights again."
            )
        for index, (cdf, offset) in enumerate(zip(self.cdfs, self.offsets, strict=True)):
            is_cdf = len(cdf) >= 3 and cdf[0] == 0 and cdf[-1] == _TABLE_TOTAL
            if not (is_cdf and (np.diff(cdf) > 0).all() and abs(offset) <= MAX_SYMBOL):
                raise CheckpointError(
                    f"Table {index} of the entropy coder is damaged: it must rise strictly from "
                    f"0 to {_TABLE_TOTAL} in at least two slots, from a symbol of at most "
                    f"{MAX_SYMBOL}. Load the published weights again."
                )
        scale = _CODER_TOTAL // _TABLE_TOTAL
        slots = np.array([len(cdf) - 2 for cdf in self.cdfs], dtype=np.int64)
        object.__setattr__(self, "escape_slots", slots)
        highest = np.array([np.diff(cdf).max() for cdf in self.cdfs], dtype=np.float64)
        object.__setattr__(self, "least_bits", np.log2(_TABLE_TOTAL / highest))
        models = tuple(_make_model(scale * np.diff(cdf)) for cdf in self.cdfs)
        object.__setattr__(self, "models", models)


class RangeEncoder:
    """Collects integers and returns the payload that stands for them."""

    def __init__(self) -> None:
        self._coder = _QUEUE.RangeEncoder()

    @property
    def n_bits(self) -> float:
        """Information coded so far [bit]; with one bit more it fills the payload's last byte."""
        position, (_, width) = self._coder.pos()
        return float(_WORD_BITS * position + _STATE_BITS - math.log2(width))

    def encode(
        self, symbols: NDArray[np.int32], indexes: NDArray[np.int32], tables: CdfTables
    ) -> None:
        """Append integers.

        Args:
            symbols: Integers to code, -2**20 to 2**20.
            indexes: For each integer the table that codes it.
            tables: The tables; other calls may use others.

        Raises:
            CheckpointError: If an integer is out of range.
            ValueError: If the arguments do not fit together.
        """
        if symbols.shape != indexes.shape:
            raise ValueError(f"{symbols.shape} symbols have {indexes.shape} table indexes.")
        if symbols.size and max(-int(symbols.min()), int(symbols.max())) > MAX_SYMBOL:
            raise CheckpointError(
                f"The networks computed the symbols {symbols.min()} to {symbols.max()}, but the "
                f"format holds -{MAX_SYMBOL} to {MAX_SYMBOL}. The weights are damaged or were "
                "never trained; load the published ones again."
            )
        order = _coding_order(indexes, len(tables.cdfs))
        ordered = indexes[order]
        values = symbols[order].astype(np.int64) - tables.offsets[ordered]
        escape_slots = tables.escape_slots[ordered]
        has_escaped = (values < 0) | (values >= escape_slots)
        slots = np.where(has_escaped, escape_slots, values).astype(np.int32)
        for table, group in _groups(ordered):
            self._coder.encode(slots[group], tables.models[table])
        if has_escaped.any():
            values, escape_slots = values[has_escaped], escape_slots[has_escaped]
            below, above = -2 * values - 1, 2 * (values - escape_slots)
            self._encode_ranks(np.where(values < 0, below, above))

    def _encode_ranks(self, ranks: NDArray[np.int64]) -> None:
        """Append Exp-Golomb codes."""
        _, exponents = np.frexp((ranks + 1).astype(np.float64))
        n_bits = (exponents - 1).astype(np.int32)
        self._coder.encode(n_bits, _ESCAPE_LENGTH_MODEL)
        remainders = (ranks + 1 - (1 << n_bits.astype(np.int64))).astype(np.int32)
        for length in _bit_lengths(n_bits):
            self._coder.encode(remainders[n_bits == length], _ESCAPE_BITS_MODELS[length])

    def finish(self) -> bytes:
        """Return the payload; the encoder stays as it is."""
        if self._coder.is_empty():
            return b""
        position, (state_low, width) = self._coder.pos()
        words: NDArray[np.uint32] = self._coder.get_compressed()
        n_bytes: int = (_WORD_BITS * position + _STATE_BITS) // 8
        # The words end with the first multiple of 2**32 that the interval holds.
        end = int.from_bytes(words.astype(">u4").tobytes().ljust(n_bytes, b"\0"), "big")
        low: int = end - (-state_low % (1 << _WORD_BITS))
        payload, n_kept = low, n_bytes
        for shift in range(8, _STATE_BITS, 8):
            start = -(-low >> shift) << shift
            if start + (1 << shift) > low + width:
                break
            payload, n_kept = start, n_bytes - shift // 8
        return payload.to_bytes(n_bytes, "big")[:n_kept]


class RangeDecoder:
    """Reads integers from a payload, and checks that it holds nothing else."""

    def __init__(self, data: bytes) -> None:
        """Start at the beginning.

        Args:
            data: What :meth:`RangeEncoder.finish` returned; damaged bytes do no harm.
        """
        self._data = data
        word_bytes = _WORD_BITS // 8
        padded = data.ljust(-(-len(data) // word_bytes) * word_bytes, b"\0")
        words = np.frombuffer(padded, dtype=">u4").astype(np.uint32)
        self._coder = _QUEUE.RangeDecoder(words)
        self._mirror = RangeEncoder()

    @property
    def n_bits(self) -> float:
        """Information read so far [bit]."""
        return self._mirror.n_bits

    def expect(self, n_bits: float) -> None:
        """Refuse a payload that is too short for what follows, before that is computed.

        So a small damaged file that announces a large picture costs little.

        Args:
            n_bits: What the integers that follow take at least [bit].

        Raises:
            CorruptBitstreamError: If the payload holds fewer.
        """
        n_needed = self.n_bits + n_bits
        if n_needed > 8 * len(self._data) + _TOLERANCE_BITS:
            raise CorruptBitstreamError(
                f"The payload has {len(self._data):,} bytes, but its symbols take at least "
                f"{math.ceil(n_needed / 8):,}. The file is damaged; copy it again."
            )

    def decode(self, indexes: NDArray[np.int32], tables: CdfTables) -> NDArray[np.int32]:
        """Return the next integers.

        Args:
            indexes: For each integer the table that coded it, as in :meth:`RangeEncoder.encode`.
            tables: The tables that coded them.

        Raises:
            CorruptBitstreamError: If no integers are coded like this.
            ValueError: If there is no such table.
        """
        order = _coding_order(indexes, len(tables.cdfs))
        ordered = indexes[order]
        self.expect(float(tables.least_bits[ordered].sum()))
        slots = np.empty(len(ordered), dtype=np.int64)
        for table, group in _groups(ordered):
            slots[group] = self._decode(tables.models[table], group.stop - group.start)
        escape_slots = tables.escape_slots[ordered]
        has_escaped = slots == escape_slots
        if has_escaped.any():
            ranks = self._decode_ranks(int(has_escaped.sum()))
            below, above = -(ranks + 1) // 2, ranks // 2 + escape_slots[has_escaped]
            slots[has_escaped] = np.where(ranks % 2 == 1, below, above)
        values = slots + tables.offsets[ordered]
        if values.size and max(-int(values.min()), int(values.max())) > MAX_SYMBOL:
            raise CorruptBitstreamError(
                f"The payload holds the symbols {values.min()} to {values.max()}, but the format "
                f"allows -{MAX_SYMBOL} to {MAX_SYMBOL}. The file is damaged; copy it again."
            )
        symbols = np.empty(len(order), dtype=np.int32)
        symbols[order] = values
        self._mirror.encode(symbols, indexes, tables)
        self.expect(0.0)
        return symbols

    def _decode(self, model: Any, n_symbols: int) -> NDArray[np.int32]:  # noqa: ANN401
        """Return slots or bits of one model."""
        try:
            decoded: NDArray[np.int32] = self._coder.decode(model, n_symbols)
        except AssertionError as error:
            raise CorruptBitstreamError(
                "The payload holds a number that no encoder writes. The file is damaged; copy it "
                "again."
            ) from error
        return decoded

    def _decode_ranks(self, n_ranks: int) -> NDArray[np.int64]:
        """Return Exp-Golomb coded numbers."""
        n_bits = self._decode(_ESCAPE_LENGTH_MODEL, n_ranks)
        ranks = (1 << n_bits.astype(np.int64)) - 1
        for length in _bit_lengths(n_bits):
            group = n_bits == length
            ranks[group] += self._decode(_ESCAPE_BITS_MODELS[length], int(group.sum()))
        return ranks

    def finish(self) -> None:
        """Check that the payload is exactly what the decoded integers are coded as.

        Raises:
            CorruptBitstreamError: If bytes are missing, changed, or left over.
        """
        expected = self._mirror.finish()
        if expected != self._data:
            raise CorruptBitstreamError(
                f"The payload ({len(self._data)} bytes) is not the one that its symbols are coded "
                f"as ({len(expected)} bytes). The file is damaged; copy it again."
            )


def _coding_order(indexes: NDArray[np.int32], n_tables: int) -> NDArray[np.int64]:
    """Return the positions of all symbols: by table, and within a table as they come."""
    if indexes.size and not (indexes.min() >= 0 and indexes.max() < n_tables):
        raise ValueError(
            f"Tables {indexes.min()} to {indexes.max()} are asked for, but there are {n_tables}."
        )
    return np.argsort(indexes, kind="stable")


def _bit_lengths(n_bits: NDArray[np.int32]) -> list[int]:
    """Return the numbers of bits that occur, ascending, without zero."""
    return [length for length in np.unique(n_bits).tolist() if length]


def _groups(ordered: NDArray[np.integer[Any]]) -> Iterator[tuple[int, slice]]:
    """Yield each value of a sorted array, and where it stands."""
    borders = [*np.flatnonzero(np.diff(ordered, prepend=-1)).tolist(), len(ordered)]
    for start, stop in pairwise(borders):
        yield int(ordered[start]), slice(start, stop)
