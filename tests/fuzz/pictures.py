"""Pictures of every format; a PNG's checksums are made to fit, so that its chunks are reached."""

import struct
import zlib

from difficmh_core.errors import ImageError
from difficmh_core.image_io import read_image

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_PIXELS = 1 << 16


def fuzz(data):
    """Read bytes as a picture: upright RGB within the limit, or an ImageError."""
    try:
        image = read_image(with_png_checksums(data), max_pixels=_MAX_PIXELS)
    except ImageError:
        return
    if image.mode != "RGB" or not 1 <= image.width * image.height <= _MAX_PIXELS:
        raise AssertionError(f"a picture of mode {image.mode} and size {image.size} was read")


def with_png_checksums(data):
    """A PNG with the checksum of each chunk written anew; anything else as it is."""
    if not data.startswith(_PNG):
        return data
    written, position = bytearray(_PNG), len(_PNG)
    while position + 12 <= len(data):
        (n_bytes,) = struct.unpack_from(">I", data, position)
        end = position + 8 + n_bytes
        if end + 4 > len(data):
            break
        body = data[position + 4 : end]
        written += data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position = end + 4
    return bytes(written + data[position:])
