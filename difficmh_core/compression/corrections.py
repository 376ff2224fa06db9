"""The correction list: choices that another machine might make differently.

Encoder and decoder quantize each predicted mean and scale to an integer, in the same order.
Where a value lies too close to the border between two integers, the encoder notes the position of
that choice and the parity of the integer it took; the decoder takes the neighbor of that parity.
One entry is one LEB128 number, ``2 * (position - previous position - 1) + parity``; the list is
normally empty.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difficmh_core.bitstream.leb128 import read_all_leb128, write_leb128
from difficmh_core.errors import CorruptBitstreamError, TruncatedBitstreamError


class Corrections(NamedTuple):
    """A correction list.

    Attributes:
        positions: Of the noted choices, ascending, counted from 0.
        parities: Of the integers that were taken there, 0 or 1.
    """

    positions: NDArray[np.int64]
    parities: NDArray[np.int64]


def write_corrections(parities: dict[int, int]) -> bytes:
    """Return the list as bytes.

    Args:
        parities: For each noted position, counted from 0, the parity (0 or 1) of the integer.
    """
    encoded = bytearray()
    previous = -1
    for position, parity in sorted(parities.items()):
        encoded += write_leb128(2 * (position - previous - 1) + parity)
        previous = position
    return bytes(encoded)


def read_corrections(data: bytes, n_positions: int) -> Corrections:
    """Return the noted positions and their parities.

    Args:
        data: What :func:`write_corrections` returned.
        n_positions: Number of choices that the decoder makes.

    Raises:
        CorruptBitstreamError: If an entry is incomplete or lies behind the last choice.
    """
    try:
        values = read_all_leb128(data)
    except TruncatedBitstreamError as error:
        raise CorruptBitstreamError(
            "The correction list ends inside an entry. Copy the file again."
        ) from error
    positions = np.cumsum((values >> 1) + 1) - 1
    if len(positions) and positions[-1] >= n_positions:
        raise CorruptBitstreamError(
            f"The correction list names choice {positions[-1]}, but the file holds "
            f"{n_positions}. Copy it again."
        )
    return Corrections(positions=positions, parities=values & 1)
