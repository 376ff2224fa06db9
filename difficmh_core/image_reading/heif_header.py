"""The boxes of a HEIC or AVIF file.

References:
    ISO/IEC 23008-12 (HEIF), sections 6.5 and 10; AV1 Image File Format 1.1.
"""

import struct

from difficmh_core.image_reading.boxes import BoxReader
from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.header import Coding, Header
from difficmh_core.image_reading.heif_items import HeifItems, read_items

_COUNTS = {b"stsz": 8, b"stts": 4, b"stsc": 4, b"stco": 4, b"co64": 4, b"stss": 4, b"ctts": 4}
"""The tables of a track, and where in each the number of its rows stands."""
_MIRRORED = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 7: 8, 8: 7}
"""From an orientation to the one with left and right exchanged in addition."""
_TURNED_LEFT = {1: 8, 8: 3, 3: 6, 6: 1, 2: 5, 5: 4, 4: 7, 7: 2}
"""From an orientation to the one with a quarter turn to the left in addition."""


def read_heif_header(data: bytes) -> Header:
    """Read the boxes; ``orientation`` is that of the boxes, EXIF's does not count.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the boxes are damaged.
    """
    reader = BoxReader(data, "ISO boxes")
    items, n_frames, size = HeifItems(), 1, (0, 0)
    for name, start, end in reader.boxes(0, len(data)):
        if name == b"meta":
            items = read_items(data, reader, start, end)
        elif name == b"moov":
            n_frames, size = _read_tracks(data, reader, start, end)
    if items.primary:
        size = items.size(items.primary)
        items.check_pixels()
    elif size == (0, 0):
        raise ValueError("it has no image")
    profile, coding = _color(items)
    return Header(
        size=size,
        data=_without_exif(data, reader),
        profile=profile,
        coding=coding,
        orientation=_orientation(items),
        n_frames=n_frames,
        traits=frozenset({f"{_bits_of_av1(items)} bits"}),
    )


def _without_exif(data: bytes, reader: BoxReader) -> bytes:
    """Rename EXIF items, so that no decoder looks into them."""
    found = reader.first(0, len(data), b"meta")
    items = found and reader.first(found[0] + 4, found[1], b"iinf")
    if not items:
        return data
    start, end = items
    return data[:start] + data[start:end].replace(b"Exif", b"none") + data[end:]


def _read_tracks(
    data: bytes, reader: BoxReader, start: int, end: int
) -> tuple[int, tuple[int, int]]:
    """Return the number of frames and the size of the first track."""
    found = (1, (0, 0))
    for name, track, track_end in reader.boxes(start, end):
        if name != b"trak":
            continue
        tables = reader.first(track, track_end, b"mdia", b"minf", b"stbl")
        n_frames, size = 1, (0, 0)
        for kind, at, _ in reader.boxes(*tables) if tables else ():
            if kind in _COUNTS:
                count = struct.unpack_from(">I", data, at + _COUNTS[kind])[0]
                check("frames in a sequence", count)
                n_frames = count if kind == b"stsz" else n_frames
            elif kind == b"stsd":
                width, height = struct.unpack_from(">HH", data, at + 8 + 32)
                size = (width, height)
        if found[1] == (0, 0):
            found = (max(1, n_frames), size)
    return found


def _color(items: HeifItems) -> tuple[bytes | None, Coding | None]:
    """Return the ICC profile and the code points of the picture, or else of its first tile."""
    profile, coding = None, None
    for item in (items.primary, *items.parts.get(items.primary, ())[:1]):
        for name, content in items.of(item):
            kind = content[:4] if name == b"colr" else b""
            if kind in (b"prof", b"rICC") and profile is None:
                profile = content[4:]
            elif kind == b"nclx" and coding is None:
                coding = Coding(*struct.unpack_from(">HH", content, 4))
    return profile, coding


def _bits_of_av1(items: HeifItems) -> int:
    """Return the bits of each value, by the configuration of AV1 (``av1C``, section 2.3)."""
    for item in (items.primary, *items.parts.get(items.primary, ())[:1]):
        for name, content in items.of(item):
            if name == b"av1C":
                is_high, is_12 = content[2] >> 6 & 1, content[2] >> 5 & 1
                return (12 if is_12 else 10) if is_high else 8
    return 8


def _orientation(items: HeifItems) -> int:
    """Return the EXIF orientation that equals the turns and mirrors, which apply in order."""
    orientation = 1
    for name, content in items.of(items.primary):
        if name == b"irot":
            for _ in range(content[0] & 3):
                orientation = _TURNED_LEFT[orientation]
        elif name == b"imir":
            # Axis 1 exchanges left and right, axis 0 top and bottom.
            orientation = _MIRRORED[orientation]
            if not content[0] & 1:
                orientation = _TURNED_LEFT[_TURNED_LEFT[orientation]]
    return orientation
