"""The orientation that EXIF or XMP data name; nothing else of them is used.

References:
    CIPA DC-008 (Exif 2.32), section 4.6.2: the data are a small TIFF file.
    Adobe XMP specification, part 1: ``tiff:Orientation``.
"""

import re
import struct

from difficmh_core.image_reading.caps import check

_ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


def orientation_of(exif: bytes | None, xmp: bytes | None = None) -> int:
    """Return the orientation, 1 to 8; 1 (upright) where none can be read.

    Args:
        exif: EXIF data, with or without the six bytes ``Exif`` in front.
        xmp: An XMP packet; asked where the EXIF data say nothing.

    Raises:
        ImageError: If the data are larger than any photograph's.
    """
    found = _from_tiff(exif) if exif else None
    if found is None and xmp:
        check("bytes of EXIF", len(xmp))
        match = _XMP_ORIENTATION.search(xmp)
        found = int(match.group(1)) if match else None
    return found or 1


def _from_tiff(exif: bytes) -> int | None:
    check("bytes of EXIF", len(exif))
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return None  # Unreadable metadata must not lose the picture.
    at = struct.unpack_from(order + "I", data, 4)[0]
    if at + 2 > len(data):
        return None
    for index in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * index
        if entry + 12 > len(data):
            return None
        tag, kind, n_values, value = struct.unpack_from(order + "HHIH", data, entry)
        if tag == _ORIENTATION:
            return value if (kind, n_values) == (3, 1) and 1 <= value <= 8 else None
    return None
