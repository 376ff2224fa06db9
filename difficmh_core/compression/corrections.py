"""The correction list: choices that another machine might make differently.

Encoder and decoder snap each predicted mean and scale to an integer, in the same order. Where a
value lies too close to the border between two integers, the encoder notes the position of that
choice and the parity of the integer it took; the decoder takes the neighbor of that parity. One
entry is one LEB128 number, ``2 * (position - previous position - 1) + parity``; the list is
normally empty.
"""

from collections.abc import Iterator

from difficmh_core.errors import CorruptBitstreamError

__all__ = ["read_corrections", "write_corrections"]


def write_corrections(parities: dict[int, int]) -> bytes:
    """Return the list as bytes.

    Args:
        parities: For each noted position, counted from 0, the parity (0 or 1) of the integer.
    """
    encoded = bytearray()
    previous = -1
    for position, parity in sorted(parities.items()):
        value = 2 * (position - previous - 1) + parity
        previous = position
        while value >= 0x80:
            encoded.append(value & 0x7F | 0x80)
            value >>= 7
        encoded.append(value)
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
    position = -1
    for value in _read_leb128(data):
        position += (value >> 1) + 1
        if position >= n_positions:
            raise CorruptBitstreamError(
                f"The correction list names choice {position}, but the file holds "
                f"{n_positions}. Copy it again."
            )
        parities[position] = value & 1
    return parities


def _read_leb128(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if byte == 0 and shift > 7:
                break
            yield value
            value = shift = 0
    if shift:
        raise CorruptBitstreamError(
            "The correction list ends inside an entry, or an entry is longer than it must be. "
            "Copy the file again."
        )
