"""The headers of the simple formats, BMP and PPM.

References:
    Microsoft, bitmap storage (BITMAPINFOHEADER); Netpbm, ``ppm`` and ``pnm`` formats.
"""

import re
import struct

from difficmh_core.image_reading.caps import check, limit_of
from difficmh_core.image_reading.header import Header

_OLD_HEADER_BYTES = 12
_RUN_LENGTH = {1, 2}
_PPM_NUMBER = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d+)")
_PLAIN, _BITMAPS = b"123", b"14"
_COMMENT = re.compile(rb"#[^\r\n]*")


def read_bmp_header(data: bytes) -> Header:
    """Read a BMP file's header.

    Raises:
        ImageError: If it is run-length coded and larger than such files are.
        struct.error: If it is cut off.
    """
    header_bytes = struct.unpack_from("<I", data, 14)[0]
    if header_bytes == _OLD_HEADER_BYTES:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
        if compression in _RUN_LENGTH:
            check("bytes of run-length BMP", len(data))
    return Header(size=(width, abs(height)), data=data)


def read_ppm_header(data: bytes) -> Header:
    """Read a PBM, PGM or PPM file's header; its comments are left out.

    Raises:
        ImageError: If the header, or a picture written as words, is too long.
        ValueError: If a number is absent.
    """
    limit = limit_of("bytes of PPM header")
    kind = data[1:2]
    numbers, at = list[int](), 2
    for _ in range(2 if kind in _BITMAPS else 3):
        match = _PPM_NUMBER.match(data, at, limit)
        if match is None:
            check("bytes of PPM header", len(data) if len(data) > limit else 0)
            raise ValueError("a number is absent from its header")
        numbers.append(int(match.group(1)[:10]))
        at = match.end()
    raster = data[at + 1 :]
    if kind in _PLAIN:
        check("bytes of plain PPM", len(data))
        raster = _COMMENT.sub(b"", raster)
    header = b"P%s\n%s\n" % (kind, b" ".join(b"%d" % number for number in numbers))
    return Header(size=(numbers[0], numbers[1]), data=header + raster)
