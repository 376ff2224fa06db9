"""The chunks of a WebP file.

The decoder is given the first frame as a still picture, without metadata.

References:
    RFC 9649 (WebP image format), sections 2.5 to 2.7.
"""

import struct

from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.exif import orientation_of
from difficmh_core.image_reading.header import Header

_FRAME_HEADER_BYTES = 16
_HAS_ALPHA = 0x10


def read_webp_header(data: bytes) -> Header:
    """Read the chunks.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the chunks are damaged.
    """
    found, n_frames = dict[bytes, bytes](), 0
    for name, body in _chunks(data, 12):
        n_frames += name == b"ANMF"
        found.setdefault(name, body)
    animated = n_frames > 0
    parts = found
    if animated:
        parts = dict(_chunks(found[b"ANMF"], _FRAME_HEADER_BYTES))
    coded = next((name for name in (b"VP8 ", b"VP8L") if name in parts), None)
    if coded is None:
        raise ValueError("it has no pixels")
    size = _size(coded, parts[coded])
    canvas, offset = _canvas(found.get(b"VP8X"), size), (0, 0)
    if animated:
        x, y = (int.from_bytes(found[b"ANMF"][at : at + 3], "little") * 2 for at in (0, 3))
        offset = (x, y)
    whole = canvas == size and offset == (0, 0)
    return Header(
        size=canvas,
        data=_still(coded, parts, size) if whole else _first_frame(found),
        profile=found.get(b"ICCP"),
        orientation=orientation_of(found.get(b"EXIF"), found.get(b"XMP ")),
        n_frames=max(1, n_frames),
    )


def _chunks(data: bytes, at: int) -> list[tuple[bytes, bytes]]:
    """Return the names and contents of chunks, whose data the file may cut off."""
    chunks = []
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        check("WebP chunks", len(chunks))
        if at + 8 + length > len(data):
            raise ValueError(f"its chunk {name!r} is cut off")
        at += 8 + length + length % 2
    return chunks


def _size(coded: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height of a coded picture [px]."""
    if coded == b"VP8L":
        bits = struct.unpack_from("<I", body, 1)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _canvas(extended: bytes | None, size: tuple[int, int]) -> tuple[int, int]:
    if extended is None:
        return size
    return (
        int.from_bytes(extended[4:7], "little") + 1,
        int.from_bytes(extended[7:10], "little") + 1,
    )


def _still(coded: bytes, parts: dict[bytes, bytes], size: tuple[int, int]) -> bytes:
    if b"ALPH" not in parts:
        return _riff([(coded, parts[coded])])
    extended = bytes([_HAS_ALPHA, 0, 0, 0])
    extended += b"".join((side - 1).to_bytes(3, "little") for side in size)
    return _riff([(b"VP8X", extended), (b"ALPH", parts[b"ALPH"]), (coded, parts[coded])])


def _first_frame(found: dict[bytes, bytes]) -> bytes:
    """Return an animation of one frame, which lies somewhere on a larger canvas."""
    if b"ANMF" not in found:
        raise ValueError("its canvas and its image differ in size")
    names = (b"VP8X", b"ANIM", b"ANMF")
    return _riff([(name, found[name]) for name in names if name in found])


def _riff(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body
