"""The blocks of a GIF file.

References:
    CompuServe GIF89a specification, sections 17 to 27.
"""

import struct

from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.header import Header

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9


def read_gif_header(data: bytes) -> Header:
    """Read the blocks; the decoder is given the first frame without comments.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the blocks are damaged before the first frame's end.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _table_bytes(flags)
    kept = [data[:at]]
    control = b""
    n_frames = n_blocks = 0
    pieces = _Pieces(data)
    while at < len(data) and data[at] != _TRAILER:
        n_blocks += 1
        check("GIF blocks", n_blocks)
        start = at
        if data[at] == _EXTENSION:
            at = pieces.end(at + 2)
            if data[start + 1] == _GRAPHIC_CONTROL and not n_frames:
                control = data[start:at]
        elif data[at] == _IMAGE:
            at = pieces.end(at + 11 + _table_bytes(data[at + 9]))
            n_frames += 1
            check("frames in a sequence", n_frames)
            if n_frames == 1:
                kept += [control, data[start:at]]
        elif n_frames:
            break  # Rubbish after a whole frame; other programs stop here as well.
        else:
            raise ValueError(f"no block begins at byte {at}")
    if not n_frames:
        raise ValueError("it ends before its first frame")
    return Header(size=(width, height), data=b"".join([*kept, b";"]), n_frames=n_frames)


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


class _Pieces:
    """Steps over the pieces of up to 255 bytes that data come in, and counts them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._n_pieces = 0

    def end(self, at: int) -> int:
        """Find the end of the pieces that begin at ``at``, or of the file."""
        data, n_bytes = self._data, len(self._data)
        while at < n_bytes and data[at]:
            at += data[at] + 1
            self._n_pieces += 1
        check("GIF data pieces", self._n_pieces)
        return min(at + 1, n_bytes)
