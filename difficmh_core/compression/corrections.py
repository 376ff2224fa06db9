"""The correction list: choices that another machine might make differently.

Encoder and decoder snap each predicted mean and scale to an integer, in the same order. Where a
value lies too close to the border between two integers, the encoder notes the position of that
choice and the parity of the integer it took; the decoder takes the neighbor of that parity. One
entry is one LEB128 number, ``2 * (position - previous position - 1) + parity``; the list is
normally empty.
"""

from difficmh_core.bitstream.leb128 import read_leb128, write_leb128
from difficmh_core.errors import CorruptBitstreamError, TruncatedBitstreamError

__all__ = ["read_corrections", "write_corrections"]


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


def read_corrections(data: bytes, n_positions: int) -> dict[int, int]:
    """Return the parity at each noted position.

    Args:
        data: What :func:`write_corrections` returned.
        n_positions: Number of choices that the decoder makes.

    Raises:
        CorruptBitstreamError: If an entry is incomplete or lies behind the last choice.
    """
    parities = dict[int, int]()
    position, start = -1, 0
    while start < len(data):
        try:
            value, start = read_leb128(data, start)
        except TruncatedBitstreamError as error:
            raise CorruptBitstreamError(
                "The correction list ends inside an entry. Copy the file again."
            ) from error
        position += (value >> 1) + 1
        if position >= n_positions:
            raise CorruptBitstreamError(
                f"The correction list names choice {position}, but the file holds "
                f"{n_positions}. Copy it again."
            )
        parities[position] = value & 1
    return parities
