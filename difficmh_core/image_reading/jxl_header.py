"""The header of a JPEG XL file, bit by bit.

References:
    ISO/IEC 18181-1 (JPEG XL core coding system), annex D: size and image metadata.
    ISO/IEC 18181-2, section 9: boxes.
"""

from difficmh_core.image_reading.boxes import BoxReader
from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.header import Coding, Header

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""From a header's code to width over height."""
_CODESTREAM = b"\xff\x0a"
_JXL_P3 = 11
_P3 = 12
"""Display P3 in JPEG XL's list of primaries, and in ITU-T H.273's."""

_Choice = tuple[int, int]
"""An offset, and how many bits are added to it."""
_ENUM: tuple[_Choice, ...] = ((0, 0), (1, 0), (2, 4), (18, 6))
_SIDE: tuple[_Choice, ...] = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW: tuple[_Choice, ...] = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_IN_8: tuple[_Choice, ...] = ((16, 0), (32, 0), (1, 5), (33, 9))
_CHROMATICITY: tuple[_Choice, ...] = ((0, 19), (1 << 19, 19), (1 << 20, 20), (1 << 21, 21))


class _Bits:
    """Reads bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, n_bits: int) -> int:
        """Return an unsigned number of some bits."""
        if n_bits > self._left:
            raise ValueError("its header is cut off")
        value = self._value & ((1 << n_bits) - 1)
        self._value >>= n_bits
        self._left -= n_bits
        return value

    def choose(self, choices: tuple[_Choice, ...]) -> int:
        """Return a number that two bits choose the range of."""
        offset, n_bits = choices[self.take(2)]
        return offset + self.take(n_bits)


def read_jxl_header(data: bytes) -> Header:
    """Read the header; the decoder is given the bare codestream and turns itself.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the header is damaged.
    """
    stream = data if data.startswith(_CODESTREAM) else _codestream(data)
    if not stream.startswith(_CODESTREAM):
        raise ValueError("it has no pixels")
    bits = _Bits(stream[2:4096])
    size = _size(bits)
    traits, coding = frozenset[str](), None
    if not bits.take(1):
        traits, coding = _metadata(bits)
    return Header(size=size, data=stream, coding=coding, traits=traits)


def _codestream(data: bytes) -> bytes:
    """Join the pieces of the codestream; other boxes hold metadata, or JPEG's own headers."""
    reader = BoxReader(data, "JPEG XL boxes")
    pieces = list[tuple[int, bytes]]()
    for name, start, end in reader.boxes(0, len(data)):
        if name == b"jxlc":
            return data[start:end]
        if name == b"jxlp":
            number = int.from_bytes(data[start : start + 4], "big") & 0x7FFFFFFF
            pieces.append((number, data[start + 4 : end]))
    return b"".join(piece for _, piece in sorted(pieces, key=lambda piece: piece[0]))


def _size(bits: _Bits, *, is_preview: bool = False) -> tuple[int, int]:
    """Return width and height [px]."""
    in_8 = bits.take(1)

    def side() -> int:
        if not in_8:
            return bits.choose(_PREVIEW if is_preview else _SIDE)
        return 8 * (bits.choose(_PREVIEW_IN_8) if is_preview else 1 + bits.take(5))

    height, ratio = side(), bits.take(3)
    if not ratio:
        return side(), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _metadata(bits: _Bits) -> tuple[frozenset[str], Coding | None]:
    traits = set[str]()
    if bits.take(1):  # extra fields
        bits.take(3)  # orientation, which the decoder applies
        if bits.take(1):
            _size(bits)  # the size at which to show it
        if bits.take(1):
            _size(bits, is_preview=True)
        if bits.take(1):
            traits.add("animated")
            bits.choose(((100, 0), (1000, 0), (1, 10), (1, 30)))  # ticks per second
            bits.choose(((1, 0), (1001, 0), (1, 8), (1, 10)))
            bits.choose(((0, 0), (0, 3), (0, 16), (0, 32)))  # loops
            bits.take(1)  # time codes
    _bit_depth(bits)
    bits.take(1)  # whether 16-bit buffers are enough
    n_extra = bits.choose(((0, 0), (1, 0), (2, 4), (1, 12)))
    check("JPEG XL extra channels", n_extra)
    for _ in range(n_extra):
        _extra_channel(bits)
    bits.take(1)  # whether coded as XYB
    return frozenset(traits), _coding(bits)


def _bit_depth(bits: _Bits) -> None:
    if bits.take(1):
        bits.choose(((32, 0), (16, 0), (24, 0), (1, 6)))
        bits.take(4)  # bits of the exponent
    else:
        bits.choose(((8, 0), (10, 0), (12, 0), (1, 6)))


def _extra_channel(bits: _Bits) -> None:
    if bits.take(1):
        return  # 8 bits of alpha
    kind = bits.choose(_ENUM)
    _bit_depth(bits)
    bits.choose(((0, 0), (3, 0), (4, 0), (1, 3)))  # how much smaller than the picture
    bits.take(8 * bits.choose(((0, 0), (0, 4), (16, 5), (48, 10))))  # name
    if kind == 0:
        bits.take(1)  # whether alpha is multiplied in
    elif kind == 2:
        bits.take(4 * 16)  # a spot color
    elif kind == 5:
        bits.choose(((1, 0), (0, 2), (3, 4), (19, 8)))  # place in a color filter


def _coding(bits: _Bits) -> Coding | None:
    """Return the code points, or ``None`` for sRGB and for a profile among the coded data."""
    if bits.take(1):
        return None
    has_profile, space = bits.take(1), bits.choose(_ENUM)
    if has_profile or space > 1:
        return None
    if bits.choose(_ENUM) == 2:  # a white point by its chromaticity
        _skip_chromaticities(bits, 1)
    primaries = bits.choose(_ENUM) if space == 0 else 1
    if primaries == 2:
        _skip_chromaticities(bits, 3)
    if bits.take(1):
        bits.take(24)  # a gamma
        return None
    return Coding(_P3 if primaries == _JXL_P3 else primaries, bits.choose(_ENUM))


def _skip_chromaticities(bits: _Bits, n_points: int) -> None:
    for _ in range(2 * n_points):
        bits.choose(_CHROMATICITY)
