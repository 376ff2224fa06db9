"""The range coder's arithmetic in Python, for machines that constriction is not published for.

It has the names of constriction that :mod:`difficmh_core.bitstream.range_coder` uses and computes
what is stated there, in whole numbers: the same payloads, and the same symbols from any bytes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

_TOTAL_BITS = 24
_TOTAL = 1 << _TOTAL_BITS
_WORD_BITS = 32
_WORD = 1 << _WORD_BITS
_STATE = 1 << 64


class Categorical:
    """Slots of given frequencies.

    Attributes:
        borders: Cumulative frequencies, from 0 to ``2**24``.
    """

    def __init__(self, weights: NDArray[np.float64], *, perfect: bool) -> None:
        """Add up the frequencies.

        Args:
            weights: Of each slot its frequency minus one.
            perfect: Must be ``False``: whether constriction may choose other frequencies.
        """
        counts = [int(weight) + 1 for weight in weights]
        self.borders: Sequence[int] = [0, *accumulate(counts)]
        if perfect or min(counts) < 1 or self.borders[-1] != _TOTAL:
            raise ValueError(f"The frequencies must sum to {_TOTAL} as they are.")


class Uniform:
    """Slots of the same frequency.

    Attributes:
        borders: As of :class:`Categorical`.
    """

    def __init__(self, size: int) -> None:
        """Divide the range.

        Args:
            size: Number of slots, a power of two up to ``2**24``.
        """
        if size < 1 or _TOTAL % size:
            raise ValueError(f"{size} slots do not divide {_TOTAL}.")
        self.borders: Sequence[int] = range(0, _TOTAL + 1, _TOTAL // size)


class RangeEncoder:
    """An interval that becomes narrower with every slot."""

    def __init__(self) -> None:
        self._words = list[int]()
        self._low, self._width = 0, _STATE - 1

    def is_empty(self) -> bool:
        """Tell whether nothing was coded yet."""
        return self._width == _STATE - 1

    def pos(self) -> tuple[int, tuple[int, int]]:
        """Return how many words are fixed, and what of the interval is not."""
        return len(self._words), (self._low, self._width)

    def encode(self, slots: NDArray[np.int32], model: Categorical | Uniform) -> None:
        """Code slots, one after the other."""
        borders, low, width = model.borders, self._low, self._width
        for slot in slots.tolist():
            start = borders[slot]
            unit = width >> _TOTAL_BITS
            low += unit * start
            width = unit * (borders[slot + 1] - start)
            if low >= _STATE:
                low -= _STATE
                _carry(self._words)
            if width < _WORD:
                self._words.append(low >> _WORD_BITS)
                low = (low << _WORD_BITS) % _STATE
                width <<= _WORD_BITS
        self._low, self._width = low, width

    def get_compressed(self) -> NDArray[np.uint32]:
        """Return the words of the first multiple of ``2**32`` in the interval."""
        words, last = self._words.copy(), -(-self._low >> _WORD_BITS)
        if last == _WORD:
            _carry(words)
        return np.array([*words, last % _WORD], dtype=np.uint32)


def _carry(words: list[int]) -> None:
    """Add one to a number that is written as words, the most significant one first."""
    index = len(words) - 1
    while words[index] == _WORD - 1:
        words[index] = 0
        index -= 1
    words[index] += 1


class RangeDecoder:
    """A number, and the interval that it is known to lie in."""

    def __init__(self, words: NDArray[np.uint32]) -> None:
        """Start at the first words; behind the last there are zeros."""
        self._words = iter(words.tolist())
        self._width = _STATE - 1
        self._value = self._next_word() << _WORD_BITS | self._next_word()

    def decode(self, model: Categorical | Uniform, n_slots: int) -> NDArray[np.int32]:
        """Return the next slots.

        Raises:
            AssertionError: If the number lies in no slot, as constriction does.
        """
        slots, borders = list[int](), model.borders
        value, width = self._value, self._width
        for _ in range(n_slots):
            unit = width >> _TOTAL_BITS
            position = value // unit
            if position >= _TOTAL:
                raise AssertionError("the number lies beyond the last slot")
            slot = bisect_right(borders, position) - 1
            start = borders[slot]
            slots.append(slot)
            value -= unit * start
            width = unit * (borders[slot + 1] - start)
            if width < _WORD:
                value = value << _WORD_BITS | self._next_word()
                width <<= _WORD_BITS
        self._value, self._width = value, width
        return np.array(slots, dtype=np.int32)

    def _next_word(self) -> int:
        return next(self._words, 0)
