"""The chunks of a PNG file.

The decoder is given the critical chunks and ``tRNS`` alone: the first picture without metadata.

References:
    W3C Portable Network Graphics (third edition), sections 5, 11 and 11.3.2 (``iCCP``, ``cICP``).
"""

import struct
import zlib

from difficmh_core.image_reading.caps import check, limit_of
from difficmh_core.image_reading.exif import orientation_of
from difficmh_core.image_reading.header import Coding, Header

_SIGNATURE_BYTES = 8
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IEND")
_USED = (b"iCCP", b"cICP", b"eXIf", b"iTXt", b"acTL", b"sRGB")
_XMP = b"XML:com.adobe.xmp\0"


def read_png_header(data: bytes) -> Header:
    """Read the chunks; an animation's default picture is the one that is decoded.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If the chunks are damaged.
    """
    kept, used, pixel_chunks, others = [data[:_SIGNATURE_BYTES]], dict[bytes, bytes](), 0, 0
    at = _SIGNATURE_BYTES
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if name == b"IDAT":
            pixel_chunks += 1
            check("PNG chunks of pixels", pixel_chunks)
            kept.append(data[at:end])
        else:
            others += 1
            check("PNG chunks beside the pixels", others)
            body = data[at + 8 : at + 8 + length]
            if name in _KEPT:
                kept.append(data[at:end])
            elif name in _USED and name not in used and (name != b"iTXt" or _is_xmp(body)):
                used[name] = body
            elif name[:1].isupper():
                raise ValueError(f"it has an unknown critical chunk {name!r}")
        at = end
        if name == b"IEND":
            break
    ihdr = data[16:29]
    if data[12:16] != b"IHDR" or len(ihdr) != 13:
        raise ValueError("its header is absent")
    width, height, bits, color_type = struct.unpack_from(">IIBB", ihdr)
    if color_type == 3 and not any(chunk[4:8] == b"PLTE" for chunk in kept):
        raise ValueError("its palette is absent")
    return Header(
        size=(width, height),
        data=b"".join(kept),
        profile=_profile(used.get(b"iCCP")) if b"sRGB" not in used else None,
        coding=_coding(used.get(b"cICP")),
        orientation=orientation_of(used.get(b"eXIf"), used.get(b"iTXt")),
        n_frames=_n_frames(used.get(b"acTL")),
        traits=frozenset({f"{bits} bits"}),
    )


def _is_xmp(body: bytes) -> bool:
    return body.startswith(_XMP)


def _profile(body: bytes | None) -> bytes | None:
    """Unpack the color profile, no more of it than the cap."""
    if body is None:
        return None
    _, _, rest = body.partition(b"\0")
    limit = limit_of("bytes in compressed PNG metadata")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(rest[1:], limit + 1)
    except zlib.error:
        return b"damaged"  # Told as a profile that does not fit; the pixels are whole.
    check("bytes in compressed PNG metadata", len(profile))
    return profile


def _coding(body: bytes | None) -> Coding | None:
    return Coding(body[0], body[1]) if body and len(body) >= 4 else None


def _n_frames(body: bytes | None) -> int:
    return max(1, struct.unpack_from(">I", body)[0]) if body and len(body) >= 8 else 1
