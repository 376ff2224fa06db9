"""The first directory of a TIFF file.

The decoder is given the file with a directory of those tags alone that make the pixels, put at
its end: no EXIF, no layers, no further pages.

References:
    Adobe TIFF 6.0, sections 2, 8, 14, 15 and 22; BigTIFF design (libtiff.gitlab.io).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from difficmh_core.errors import ImageError
from difficmh_core.image_reading.caps import check, limit_of
from difficmh_core.image_reading.exif import orientation_of
from difficmh_core.image_reading.header import Header
from difficmh_core.image_reading.jpeg_header import check_embedded_jpeg
from difficmh_core.image_reading.sniffing import READ

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8,
               13: 4, 16: 8, 17: 8, 18: 8}  # fmt: skip
_INTEGER_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_OFFSETS, _ORIENTATION, _SAMPLES, _BYTE_COUNTS = 273, 274, 277, 279
_SUB_DIRECTORIES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTE_COUNTS = (
    330, 322, 323, 324, 325,
)  # fmt: skip
_PLANES, _SAMPLE_FORMAT, _XMP, _PROFILE, _DNG_VERSION = 284, 339, 700, 34675, 50706
_PIXEL_TAGS = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, _OFFSETS, _SAMPLES, 278,
     _BYTE_COUNTS, _PLANES, 292, 293, 317, 320, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS,
     _TILE_BYTE_COUNTS, 332, 333, 334, 338, _SAMPLE_FORMAT, 347, 512, 513, 514, 515, 519, 520,
     521, 529, 530, 531, 532}
)  # fmt: skip
"""What the decoder is given."""
_RAW_PHOTOMETRICS = {32803: "a raw camera file", 34892: "a raw camera file (DNG)"}
_OLD_JPEG, _JPEG = 6, 7
_PILLOW_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000}
"""None, CCITT's, LZW, JPEG, Deflate, PackBits, LZMA, Zstandard."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One tag: where in the file its row and its values are."""

    row: bytes
    kind: int
    count: int
    at: int


class _Directories:
    """Reads directories of one file, in its byte order and its width of offsets."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = struct.unpack_from(self.order + "H", data, 2)[0] == 43
        self.offset_code = self.order + ("Q" if self.is_big else "I")
        self.offset_bytes = 8 if self.is_big else 4
        self.count_code = self.order + ("Q" if self.is_big else "H")
        self.first = struct.unpack_from(self.offset_code, data, self.offset_bytes)[0]

    def rows(self, at: int) -> tuple[int, int]:
        """Find the number of a directory's tags, and the place where their rows begin."""
        n_tags = struct.unpack_from(self.count_code, self.data, at)[0]
        check("TIFF tags", n_tags)
        return n_tags, at + struct.calcsize(self.count_code)

    def next(self, at: int) -> int:
        """Find the next directory; 0 after the last, or where the file is cut off."""
        n_tags, start = self.rows(at)
        end = start + n_tags * (20 if self.is_big else 12)
        if end + self.offset_bytes > len(self.data):
            return 0
        return int(struct.unpack_from(self.offset_code, self.data, end)[0])

    def entries(self, at: int) -> dict[int, _Entry]:
        """Return the tags of a directory."""
        n_tags, start = self.rows(at)
        row_bytes = 20 if self.is_big else 12
        code = self.order + ("HHQ" if self.is_big else "HHI")
        entries, total = dict[int, _Entry](), 0
        for row_at in range(start, start + n_tags * row_bytes, row_bytes):
            tag, kind, count = struct.unpack_from(code, self.data, row_at)
            n_bytes = _TYPE_BYTES.get(kind, 1) * count
            total += n_bytes
            value_at = row_at + row_bytes - self.offset_bytes
            if n_bytes > self.offset_bytes:
                value_at = struct.unpack_from(self.offset_code, self.data, value_at)[0]
            row = self.data[row_at : row_at + row_bytes]
            entries.setdefault(tag, _Entry(row, kind, count, value_at))
        check("bytes in TIFF tags", total)
        return entries

    def integers(self, entry: _Entry | None) -> tuple[int, ...]:
        """Return the values of a tag, none where it is absent."""
        if entry is None:
            return ()
        if entry.kind not in _INTEGER_CODES:
            raise ValueError("one of its tags is of a wrong type")
        if entry.count > limit_of("TIFF strips or tiles"):
            raise ValueError("one of its tags is too long")
        code = f"{self.order}{entry.count}{_INTEGER_CODES[entry.kind]}"
        return struct.unpack_from(code, self.data, entry.at)

    def content(self, entry: _Entry | None) -> bytes | None:
        """Return the bytes of a tag."""
        if entry is None:
            return None
        n_bytes = _TYPE_BYTES.get(entry.kind, 1) * entry.count
        return self.data[entry.at : entry.at + n_bytes]


def read_tiff_header(data: bytes) -> Header:
    """Read the first directory.

    Raises:
        ImageError: If a count is beyond its cap, or the file is a camera's raw data.
        ValueError: If the directory is damaged.
    """
    directories = _Directories(data)
    entries = directories.entries(directories.first)
    numbers = {
        tag: directories.integers(entries.get(tag))
        for tag in (_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES,
                    _SAMPLE_FORMAT, _PLANES, _ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT)
    }  # fmt: skip
    _refuse_raw(entries, numbers)
    if not (numbers[_WIDTH] and numbers[_HEIGHT]):
        raise ValueError("its size is absent")
    size = (numbers[_WIDTH][0], numbers[_HEIGHT][0])
    check("TIFF samples per pixel", (numbers[_SAMPLES] or (1,))[0])
    compression = (numbers[_COMPRESSION] or (1,))[0]
    _check_pieces(directories, entries, compression)
    _check_tile_area(numbers, size)
    orientation = (numbers[_ORIENTATION] or (1,))[0]
    if _ORIENTATION not in entries:
        orientation = orientation_of(None, directories.content(entries.get(_XMP)))
    return Header(
        size=size,
        data=_pixels_only(directories, entries),
        profile=directories.content(entries.get(_PROFILE)),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        n_frames=_n_pages(directories),
        part="page",
        traits=frozenset({"Pillow"} if _suits_pillow(numbers, compression) else ()),
    )


def _refuse_raw(entries: Mapping[int, _Entry], numbers: Mapping[int, tuple[int, ...]]) -> None:
    """Raw files are TIFF files whose first directory is a preview, or has no colors yet."""
    photometric = (numbers[_PHOTOMETRIC] or (1,))[0]
    kind = _RAW_PHOTOMETRICS.get(photometric)
    if _DNG_VERSION in entries:
        kind = "a raw camera file (DNG)"
    elif _SUB_DIRECTORIES in entries and numbers[_SUBFILE][:1] == (1,):
        kind = "a raw camera file (NEF, ARW or PEF)"
    if kind:
        raise ImageError(
            f"The file is {kind}, not a finished image. Develop it with a raw converter, and "
            f"choose the {READ} file that it writes."
        )


def _suits_pillow(numbers: Mapping[int, tuple[int, ...]], compression: int) -> bool:
    """Tell whether Pillow reads it rightly: integers of up to 8 bits, or of 16 in one plane."""
    most_bits = max(numbers[_BITS] or (1,))
    return (
        compression in _PILLOW_COMPRESSIONS
        and set(numbers[_SAMPLE_FORMAT]) <= {1, 4}
        and (most_bits <= 8 or (most_bits == 16 and numbers[_PLANES] != (2,)))
        # Pillow shows gray of which 0 is white as a negative if it is compressed.
        and (most_bits == 1 or numbers[_PHOTOMETRIC] != (0,))
    )


def _check_pieces(
    directories: _Directories, entries: Mapping[int, _Entry], compression: int
) -> None:
    """Check number and bytes of strips or tiles before the lists of them are unpacked."""
    if compression == _OLD_JPEG:  # its tags point anywhere
        check_embedded_jpeg(directories.data)
    for offsets_tag, counts_tag in (
        (_OFFSETS, _BYTE_COUNTS),
        (_TILE_OFFSETS, _TILE_BYTE_COUNTS),
    ):
        for tag in (offsets_tag, counts_tag):
            if tag in entries:
                check("TIFF strips or tiles", entries[tag].count)
        counts = directories.integers(entries.get(counts_tag))
        check("bytes in overlapping TIFF strips", sum(counts) - 2 * len(directories.data))
        if compression == _JPEG:
            offsets = directories.integers(entries.get(offsets_tag))
            for at, n_bytes in zip(offsets, counts, strict=False):
                check_embedded_jpeg(directories.data[at : at + n_bytes])


def _check_tile_area(numbers: Mapping[int, tuple[int, ...]], size: tuple[int, int]) -> None:
    if numbers[_TILE_WIDTH] and numbers[_TILE_HEIGHT]:
        width, height = numbers[_TILE_WIDTH][0], numbers[_TILE_HEIGHT][0]
        if not (width and height):
            raise ValueError("its tiles are empty")
        n_tiles = -(-size[0] // width) * -(-size[1] // height)
        check("pixels in TIFF tiles", n_tiles * width * height - 4 * size[0] * size[1])


def _n_pages(directories: _Directories) -> int:
    """Return the number of directories in the chain."""
    seen, at = set[int](), directories.first
    while at and at + 2 <= len(directories.data):
        if at in seen:
            raise ValueError("its pages lead around in a circle")
        seen.add(at)
        check("TIFF pages", len(seen))
        at = directories.next(at)
    return len(seen)


def _pixels_only(directories: _Directories, entries: Mapping[int, _Entry]) -> bytes:
    """Return the file with a new first directory that has no successor."""
    rows = [entry.row for tag, entry in sorted(entries.items()) if tag in _PIXEL_TAGS]
    data, code = directories.data, directories.offset_code
    data += b"\0" * (-len(data) % 8)
    directory = struct.pack(directories.count_code, len(rows)) + b"".join(rows)
    directory += struct.pack(code, 0)
    first = directories.offset_bytes
    start = data[:first] + struct.pack(code, len(data)) + data[2 * first :]
    return start + directory
