"""The segments of a JPEG file, up to the end of its first picture.

References:
    ITU-T T.81 (JPEG), annex B.
    ICC.1:2022, annex B.4: the profile, in up to 255 segments.
"""

import re
import struct

from difficmh_core.image_reading.caps import check
from difficmh_core.image_reading.exif import orientation_of
from difficmh_core.image_reading.header import Header

_SOI, _EOI, _SOS, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15; the three left out mean something else."""
_METADATA = {*range(0xE1, 0xF0), 0xFE} - {0xEE}
"""APP1 to APP15 and comments, without APP14, which says how colors are coded."""
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""Ends coded data, in which 0xFF is followed by 0 or by a restart marker."""
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"


def read_jpeg_header(data: bytes) -> Header:
    """Read the header; the decoder is given the first picture without metadata.

    What follows the first picture (a gain map, a preview, a film) is left out.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the segments are damaged.
    """
    kept = [b"\xff\xd8"]
    size, precision = (0, 0), 8
    exif, xmp, icc = b"", b"", dict[int, bytes]()
    at, n_segments = 2, 0
    while True:
        marker, start, end = _segment(data, at)
        n_segments += 1
        check("JPEG segments", n_segments)
        body = data[start:end]
        if marker in _FRAMES:
            precision, height, width = struct.unpack_from(">BHH", body)
            size = (width, height)
        if marker == _APP1 and body.startswith(b"Exif\0\0") and not exif:
            exif = body
        elif marker == _APP1 and body.startswith(_XMP) and not xmp:
            xmp = body
        elif marker == _APP2 and body.startswith(_ICC) and len(body) > 14:
            icc[body[12]] = body[14:]
        if marker not in _METADATA:
            kept.append(data[at:end])
        if marker == _SOS:
            break
        if marker == _EOI:
            raise ValueError("it ends before its pixels")
        at = end
    if precision != 8 and not size[1]:
        raise ValueError("it has no height")
    picture_end = _check_scans(data, end, n_segments)
    kept.append(data[end:picture_end])
    return Header(
        size=size,
        data=b"".join(kept),
        profile=b"".join(icc[number] for number in sorted(icc)) or None,
        orientation=orientation_of(exif, xmp),
        traits=frozenset({f"{precision} bits"}),
    )


def check_embedded_jpeg(data: bytes) -> None:
    """Check the scans of a JPEG stream that lies in another file, such as a TIFF strip.

    Raises:
        ImageError: If there are too many.
    """
    # A bound from above: 0xFFDA is a marker everywhere but in metadata.
    check("JPEG scans", data.count(b"\xff\xda"))


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Return a segment's marker and where its content begins and ends [bytes]."""
    if data[at : at + 1] != b"\xff":
        raise ValueError(f"no marker at byte {at}")
    while data[at + 1 : at + 2] == b"\xff":
        at += 1
    marker = data[at + 1]
    if marker in (_SOI, _EOI, 0x01, *range(0xD0, 0xD8)):
        return marker, at + 2, at + 2
    length = struct.unpack_from(">H", data, at + 2)[0]
    if length < 2 or at + 2 + length > len(data):
        raise ValueError(f"a segment at byte {at} is cut off")
    return marker, at + 4, at + 2 + length


def _check_scans(data: bytes, at: int, n_segments: int) -> int:
    """Count the scans from the first one's coded data on; return where the picture ends."""
    n_scans = 1
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, _, end = _segment(data, found.end() - 2)
        if marker == _EOI:
            return end
        n_segments += 1
        n_scans += marker == _SOS
        check("JPEG segments", n_segments)
        check("JPEG scans", n_scans)
        at = end
    return len(data)
