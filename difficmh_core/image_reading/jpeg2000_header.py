"""The main header and the tile parts of a JPEG 2000 codestream, with the boxes around it.

References:
    ITU-T T.800 (JPEG 2000 part 1), annexes A (markers), B.6 to B.9 (precincts and packets),
    and I (boxes).
"""

import struct
from dataclasses import dataclass

from difficmh_core.image_reading.boxes import BoxReader
from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.header import Header

_SOC = b"\xff\x4f"
_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_MOST_LEVELS = 32
"""Of the wavelet transform, by the standard."""


def read_jpeg2000_header(data: bytes) -> Header:
    """Read the boxes and the codestream's headers.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the headers are damaged.
    """
    if data.startswith(b"\xff\x4f"):
        return Header(size=_read_codestream(data, 0, len(data)), data=data)
    reader, size, profile = BoxReader(data, "JPEG 2000 boxes"), (0, 0), None
    for name, start, end in reader.boxes(0, len(data)):
        if name == b"jp2c" and size == (0, 0):
            size = _read_codestream(data, start, end)
        elif name == b"jp2h":
            for kind, at, box_end in reader.boxes(start, end):
                if kind == b"colr" and data[at] in (2, 3) and profile is None:
                    profile = data[at + 3 : box_end]
    if size == (0, 0):
        raise ValueError("it has no pixels")
    return Header(size=size, data=data, profile=profile)


@dataclass(slots=True)
class _Sizes:
    """What the main header says of sizes and counts."""

    width: int = 0
    height: int = 0
    tile_width: int = 0
    tile_height: int = 0
    n_components: int = 0
    n_layers: int = 1


def _read_codestream(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Check the headers of the codestream between two offsets; return width and height [px]."""
    if data[start : start + 2] != _SOC:
        raise ValueError("its codestream has no beginning")
    sizes = _Sizes()
    at, tile_part_end, n_tile_parts = start + 2, end, 0
    while at + 4 <= end:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _EOC:
            break
        if marker == _SOD:
            if tile_part_end <= at:
                raise ValueError("a tile part has an impossible length")
            at = tile_part_end
            continue
        if marker == _SOT:
            n_tile_parts += 1
            check("JPEG 2000 tile parts", n_tile_parts)
            (n_bytes,) = struct.unpack_from(">I", data, at + 6)
            tile_part_end = at + n_bytes if n_bytes else end
        elif marker == _SIZ:
            _read_sizes(sizes, data, at + 4)
        elif marker == _COD:
            style, _, sizes.n_layers = struct.unpack_from(">BBH", data, at + 4)
            check("JPEG 2000 layers", sizes.n_layers)
            _check_coding(sizes, data, at + 9, style)
        elif marker == _COC:
            index_bytes = 1 if sizes.n_components < 257 else 2
            _check_coding(sizes, data, at + 5 + index_bytes, data[at + 4 + index_bytes])
        if length < 2:
            raise ValueError(f"a segment at byte {at} has an impossible length")
        at += 2 + length
    return sizes.width, sizes.height


def _read_sizes(sizes: _Sizes, data: bytes, at: int) -> None:
    right, below, left, top, sizes.tile_width, sizes.tile_height, _, _, sizes.n_components = (
        struct.unpack_from(">8IH", data, at + 2)
    )
    sizes.width, sizes.height = right - left, below - top
    if not (sizes.tile_width and sizes.tile_height):
        raise ValueError("its tiles are empty")
    check("JPEG 2000 components", sizes.n_components)
    check("JPEG 2000 tiles", _n_tiles(sizes))


def _n_tiles(sizes: _Sizes) -> int:
    return -(-sizes.width // sizes.tile_width) * -(-sizes.height // sizes.tile_height)


def _check_coding(sizes: _Sizes, data: bytes, at: int, style: int) -> None:
    """Check how many packets and code blocks the parameters of ``COD`` or ``COC`` make."""
    if not sizes.tile_width:
        raise ValueError("its size comes too late")
    n_levels, block_width, block_height = struct.unpack_from(">3B", data, at)
    if n_levels > _MOST_LEVELS:
        raise ValueError(f"it has {n_levels} levels")
    n_packets = n_blocks = 0
    width, height = min(sizes.width, sizes.tile_width), min(sizes.height, sizes.tile_height)
    for level in range(n_levels + 1):
        precinct = data[at + 5 + level] if style & 1 else 0xFF
        shrunk = n_levels - level
        level_width, level_height = -(-width >> shrunk), -(-height >> shrunk)
        across = -(-level_width >> (precinct & 15)) + 1
        down = -(-level_height >> (precinct >> 4)) + 1
        n_packets += across * down
        # A code block is no larger than its precinct, which a sub-band has half of.
        halved = min(level, 1)
        block_across = min(block_width + 2, max((precinct & 15) - halved, 0))
        block_down = min(block_height + 2, max((precinct >> 4) - halved, 0))
        n_blocks += (-(-level_width >> block_across) + 1) * (-(-level_height >> block_down) + 1)
    n_each = _n_tiles(sizes) * sizes.n_components
    check("JPEG 2000 packets", n_packets * n_each * sizes.n_layers)
    check("JPEG 2000 code blocks", n_blocks * n_each)
