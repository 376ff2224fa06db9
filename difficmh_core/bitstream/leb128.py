"""LEB128: small numbers in few bytes, seven bits each, least significant first.

The top bit of a byte says that another one follows. Only the shortest form of a number is valid,
so that equal contents have equal bytes.

References:
    DWARF 5, section 7.6, https://dwarfstd.org/doc/DWARF5.pdf
"""

import numpy as np
from numpy.typing import NDArray

from difficmh_core.errors import CorruptBitstreamError, TruncatedBitstreamError

_MAX_BYTES = 5
"""A number has at most 35 bits, so that damaged bytes cannot announce more."""


def write_leb128(value: int) -> bytes:
    """Return a number, 0 to ``2**35 - 1``, in its shortest form.

    >>> write_leb128(300).hex()
    'ac02'
    """
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return the number that starts at a position, and the position behind it.

    >>> read_leb128(bytes.fromhex("ac02"), 0)
    (300, 2)

    Raises:
        TruncatedBitstreamError: If the bytes end inside the number.
        CorruptBitstreamError: If the number is not in its shortest form, or has over 35 bits.
    """
    value = 0
    for index, byte in enumerate(data[position : position + _MAX_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index > 0:
                raise CorruptBitstreamError(
                    f"The number {value} at byte {position} takes {index + 1} bytes, more than it "
                    "must. The file is damaged; copy it again."
                )
            return value, position + index + 1
    if position + _MAX_BYTES <= len(data):
        raise CorruptBitstreamError(
            f"The number at byte {position} takes more than {_MAX_BYTES} bytes. The file is "
            "damaged; copy it again."
        )
    raise TruncatedBitstreamError(
        f"The file ends after {len(data)} bytes, inside a number of its header. Copy it again."
    )


def read_all_leb128(data: bytes) -> NDArray[np.int64]:
    """Return the numbers that the bytes consist of, all at once: there may be millions.

    >>> read_all_leb128(bytes.fromhex("ac0205")).tolist()
    [300, 5]

    Raises:
        TruncatedBitstreamError: If the bytes end inside a number.
        CorruptBitstreamError: If a number is not in its shortest form, or has over 35 bits.
    """
    values = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(values < 0x80)
    starts = np.concatenate(([0], ends + 1))
    # The last start is that of a number without an end, if there is one.
    lengths = np.concatenate((ends + 1, [len(values)])) - starts
    is_too_long = lengths > _MAX_BYTES
    is_too_long[:-1] |= (values[ends] == 0) & (lengths[:-1] > 1)
    if lengths[-1] or is_too_long.any():
        # Read again, one by one, which raises the error that belongs to the first of them.
        first = is_too_long.argmax() if is_too_long.any() else -1
        read_leb128(data, int(starts[first]))
    numbers = np.zeros(len(ends), dtype=np.int64)
    for index in range(int(lengths.max(initial=0))):
        has_byte = lengths[:-1] > index
        byte = values[starts[:-1][has_byte] + index].astype(np.int64)
        numbers[has_byte] |= (byte & 0x7F) << 7 * index
    return numbers
