"""Small files that are meant to keep a decoder busy for long, or to crash it; made anew each time.

``CRAFTED`` names each and how it is made. None has more than 16 megapixels. What is refused and
what is read stands in ``tests/unit/test_image_reading_caps.py``.
"""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.crafted_boxes import BOXED
from tests.png_chunks import chunk

_SIDE = 4000
"""16 megapixels."""


def jpeg_of_scans(n_scans=1000):
    """A progressive JPEG, all gray, whose every scan refines all 250,000 blocks."""
    n_blocks = (_SIDE // 8) ** 2

    def segment(marker, body):
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    def table(kind, symbol):
        return segment(0xC4, bytes([kind, 1, *[0] * 15, symbol]))

    bits = ""
    left = n_blocks
    while left:
        run = min(left, 0x7FFF)
        if run < 0x4000:  # the table has the one symbol EOB14, of runs of at least 16,384
            break
        bits += "0" + format(run - 0x4000, "014b")
        left -= run
    bits += "0" * (-len(bits) % 8)
    runs = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    scan = segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) + runs
    return (
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *[1] * 64]))
        + segment(0xC2, struct.pack(">BHHBBBB", 8, _SIDE, _SIDE, 1, 1, 0x11, 0))
        + table(0x00, 0)
        + table(0x10, 0xE0)
        + segment(0xDA, bytes([1, 1, 0, 0, 0, 0]))
        + bytes(n_blocks // 8)
        + scan * n_scans
        + b"\xff\xd9"
    )


def jpeg_of_segments():
    """A JPEG with a million empty application segments."""
    plain = encoded("JPEG")
    return plain[:2] + b"\xff\xec\0\2" * 1_000_000 + plain[2:]


def exif_of_overlaps(n_bytes):
    """EXIF data whose every tag claims all of them."""
    n_tags = min(60_000, (n_bytes - 14) // 12)
    rows = b"".join(struct.pack("<HHII", tag, 7, n_bytes, 0) for tag in range(1000, 1000 + n_tags))
    head = b"II*\0" + struct.pack("<IH", 8, n_tags) + rows
    return head.ljust(n_bytes, b"\0")


def jpeg_of_exif():
    """A JPEG whose 64 KB of EXIF unfold to 300 MB."""
    exif = b"Exif\0\0" + exif_of_overlaps(65_000)
    plain = encoded("JPEG")
    return plain[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif + plain[2:]


def png(*chunks, size=(8, 8), color_type=2):
    """A PNG with more chunks before its pixels."""
    header = struct.pack(">IIBBBBB", *size, 8, color_type, 0, 0, 0)
    row = b"\0" + bytes(size[0] * (3 if color_type == 2 else 1))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(row * size[1]))
        + chunk(b"IEND", b"")
    )


def png_of_private_chunks():
    """A PNG of 12 MB with a million empty private chunks."""
    return png(chunk(b"prVt", b"") * 1_000_000)


def png_of_pixel_chunks():
    """A PNG with a million empty chunks of pixels."""
    return png(chunk(b"IDAT", b"") * 1_000_000)


def png_of_profile():
    """A PNG whose color profile unpacks to 200 MB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    return png(chunk(b"iCCP", b"bomb\0\0" + packed))


def png_of_texts():
    """A PNG with 5,000 texts that unpack to 1 MB each."""
    return png(chunk(b"zTXt", b"text\0\0" + zlib.compress(bytes(1_000_000), 9)) * 5_000)


def png_of_exif():
    """A PNG whose 10 MB of EXIF unfold to 600 GB."""
    return png(chunk(b"eXIf", exif_of_overlaps(10_000_000)))


def png_without_palette():
    """A PNG of palette colors that has no palette."""
    return png(color_type=3)


def tiff(*tags, tail=b"", size=(64, 64), is_loop=False):
    """A TIFF of 8-bit gray with tags (number, type, count, value), and bytes after them."""
    kept = {tag[0]: tag for tag in (
        (256, 4, 1, size[0]), (257, 4, 1, size[1]), (258, 3, 1, 8), (259, 3, 1, 1),
        (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, size[1]),
        (279, 4, 1, size[0] * size[1]), *tags,
    )}  # fmt: skip
    rows = b"".join(struct.pack("<HHII", *kept[number]) for number in sorted(kept))
    following = struct.pack("<I", 8 if is_loop else 0)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(kept)) + rows + following + tail


def tiff_of_strips(n_strips, kind, n_bytes):
    """A TIFF with a list of far more strips than it has rows; both lists are the same bytes."""
    lists = ((273, kind, n_strips, 400), (279, kind, n_strips, 400), (278, 4, 1, 1))
    return tiff(*lists, size=(16, 65_535), tail=b"\x01" * n_bytes)


def tiff_of_tag_bytes():
    """A TIFF with 900 private tags that each claim the same 20 MB."""
    tags = ((number, 7, 20_000_000, 8) for number in range(40_000, 40_900))
    return tiff(*tags, tail=bytes(20_000_000))


def tiff_of_many_tags():
    """A TIFF whose directory has 65,000 tags."""
    return tiff(*((number, 3, 1, 0) for number in range(500, 65_500)), tail=bytes(5000))


def tiff_of_one_huge_tile():
    """A TIFF of 8 x 8 pixels in one tile of 4 billion."""
    tile = ((322, 4, 1, 65_520), (323, 4, 1, 65_520), (324, 4, 1, 8), (325, 4, 1, 64))
    return tiff(*tile, size=(8, 8), tail=bytes(5000))


def tiff_of_overlapping_strips():
    """A TIFF of 60,000 strips of PackBits that all are the same 1 MB."""
    n_strips = 60_000
    start = 8 + 2 + 9 * 12 + 4
    lists = struct.pack("<I", start) * n_strips + struct.pack("<I", 1_000_000) * n_strips
    tags = (
        (259, 3, 1, 32_773), (273, 4, n_strips, start + 1_000_000), (278, 4, 1, 1),
        (279, 4, n_strips, start + 1_000_000 + 4 * n_strips),
    )  # fmt: skip
    return tiff(*tags, size=(128, n_strips), tail=bytes(1_000_000) + lists)


def tiff_of_jpeg_scans():
    """A TIFF whose one strip is a JPEG of 1,000 scans."""
    strip = jpeg_of_scans()
    start = 8 + 2 + 9 * 12 + 4
    tags = ((259, 3, 1, 7), (273, 4, 1, start), (279, 4, 1, len(strip)))
    return tiff(*tags, size=(_SIDE, _SIDE), tail=strip)


def gif_of_extensions():
    """A GIF with a million empty extensions."""
    plain = encoded("GIF")
    return plain[:-1][: 13 + (3 << ((plain[10] & 7) + 1))] + b"!\xfe\0" * 1_000_000 + plain[13:]


def gif_of_one_comment():
    """A GIF with one comment in three million pieces of a byte."""
    plain = encoded("GIF")
    start = 13 + (3 << ((plain[10] & 7) + 1))
    return plain[:start] + b"!\xfe" + b"\x01 " * 3_000_000 + b"\0" + plain[start:]


def gif_of_frames():
    """A GIF with 100,000 frames."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6) + frame * 100_000 + b";"


def webp_of_frames(n_frames=40_000):
    """An animated WebP of 1.7 MB."""
    coded = encoded("WEBP", lossless=True)[12:]
    frame = bytes(6) + (7).to_bytes(3, "little") * 2 + bytes(3) + b"\0" + coded
    frame = b"ANMF" + struct.pack("<I", len(frame)) + frame
    extended = b"VP8X" + struct.pack("<II", 10, 2) + (_SIDE - 1).to_bytes(3, "little") * 2
    body = b"WEBP" + extended + b"ANIM" + struct.pack("<IIH", 6, 0, 0) + frame * n_frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_of_exif():
    """A WebP whose 1.7 MB of EXIF unfold to 100 GB."""
    plain, exif = encoded("WEBP")[12:], exif_of_overlaps(1_700_000)
    extended = b"VP8X" + struct.pack("<II", 10, 8) + (7).to_bytes(3, "little") * 2
    body = b"WEBP" + extended + plain + b"EXIF" + struct.pack("<I", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_of_chunks():
    """A WebP with a million empty chunks."""
    body = b"WEBP" + encoded("WEBP")[12:] + b"junk\0\0\0\0" * 1_000_000
    return b"RIFF" + struct.pack("<I", len(body)) + body


def ppm_of_comments():
    """A PPM whose header is 8 MB of comment."""
    return b"P6\n#" + b" " * 8_000_000 + b"\n8 8 255\n" + bytes(192)


def ppm_of_spaces():
    """A plain PPM with 15 MB of spaces between its numbers."""
    return b"P3\n8 8 255\n" + (b" " * 78_000 + b"1") * 192


def ppm_of_words():
    """A plain PPM of 2.5 megapixels in 15 MB."""
    return b"P3\n1600 1562 255\n" + b"1 " * (1600 * 1562 * 3)


def bmp_of_runs():
    """A BMP of 7 megapixels in runs of one."""
    side = 2_700
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 2, 0) + bytes(8)
    return (
        b"BM"
        + struct.pack("<IHHI", 0, 0, 0, 14 + len(head))
        + head
        + (b"\x01\x01" * side + b"\0\0") * side
    )


def jpeg2000_of_noise(n_bytes=52_000_000):
    """A lossless JPEG 2000 of 13 megapixels of noise: one tile, written again and again."""
    side = 512  # the coded data of a tile depend on where its grid of 2**5 begins
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8)
    one = encoded("JPEG2000", Image.fromarray(noise), no_jp2=True)
    header, _, tile = one.partition(b"\xff\x90")
    tile = tile.removesuffix(b"\xff\xd9")
    across = min(7, round((n_bytes / len(tile)) ** 0.5))
    size = struct.pack(">IIIIIIII", side * across, side * across, 0, 0, side, side, 0, 0)
    header = header[:8] + size + header[40:]
    tiles = (
        b"\xff\x90\0\x0a" + struct.pack(">HI", index, 12 + len(tile) - 10) + tile[8:]
        for index in range(across * across)
    )
    return header + b"".join(tiles) + b"\xff\xd9"


def jpeg2000_header(*, tile=(_SIDE, _SIDE), n_layers=1, block=(4, 4), precinct=None):
    """The main header of a gray JPEG 2000 of 16 megapixels, and one empty tile."""
    sizes = struct.pack(">H8IH", 0, _SIDE, _SIDE, 0, 0, *tile, 0, 0, 1) + b"\x07\x01\x01"
    style = 0 if precinct is None else 1
    coding = struct.pack(">BBHBBBBBB", style, 0, n_layers, 0, 0, *block, 0, 1)
    coding += b"" if precinct is None else bytes([precinct])
    parts = ((0xFF51, sizes), (0xFF52, coding), (0xFF5C, b"\x40\x40"))
    body = b"".join(struct.pack(">HH", marker, len(part) + 2) + part for marker, part in parts)
    return b"\xff\x4f" + body + b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\x01\xff\x93\xff\xd9"


def encoded(format, image=None, **options):
    """A picture as a file of some format; 8 x 8 pixels of black if none is given."""
    buffer = io.BytesIO()
    (image or Image.new("RGB", (8, 8))).save(buffer, format=format, **options)
    return buffer.getvalue()


CRAFTED: dict[str, Callable[[], bytes]] = {
    "jpeg-1,000-scans": jpeg_of_scans,
    "jpeg-10,000-scans": lambda: jpeg_of_scans(10_000),
    "jpeg-segments": jpeg_of_segments,
    "jpeg-exif": jpeg_of_exif,
    "png-private-chunks": png_of_private_chunks,
    "png-pixel-chunks": png_of_pixel_chunks,
    "png-profile": png_of_profile,
    "png-texts": png_of_texts,
    "png-exif": png_of_exif,
    "png-no-palette": png_without_palette,
    "tiff-strips-1-mb": lambda: tiff_of_strips(1_000_000, 1, 1_000_400),
    "tiff-strips-32-mb": lambda: tiff_of_strips(8_000_000, 4, 32_000_400),
    "tiff-tag-bytes": tiff_of_tag_bytes,
    "tiff-many-tags": tiff_of_many_tags,
    "tiff-loop": lambda: tiff(is_loop=True, tail=bytes(5000)),
    "tiff-huge-tile": tiff_of_one_huge_tile,
    "tiff-overlapping-strips": tiff_of_overlapping_strips,
    "tiff-jpeg-scans": tiff_of_jpeg_scans,
    "tiff-samples": lambda: tiff((277, 3, 1, 65_535), tail=bytes(5000)),
    "gif-extensions": gif_of_extensions,
    "gif-comment": gif_of_one_comment,
    "gif-frames": gif_of_frames,
    "webp-frames": webp_of_frames,
    "webp-exif": webp_of_exif,
    "webp-chunks": webp_of_chunks,
    "ppm-comment": ppm_of_comments,
    "ppm-spaces": ppm_of_spaces,
    "ppm-words": ppm_of_words,
    "bmp-runs": bmp_of_runs,
    "jpeg2000-52-mb": jpeg2000_of_noise,
    "jpeg2000-12-mb": lambda: jpeg2000_of_noise(12_000_000),
    "jpeg2000-tiles": lambda: jpeg2000_header(tile=(1, 1)),
    "jpeg2000-layers": lambda: jpeg2000_header(n_layers=65_535),
    "jpeg2000-precincts": lambda: jpeg2000_header(precinct=0x11),
    "jpeg2000-blocks": lambda: jpeg2000_header(block=(0, 0)),
    **BOXED,
}
"""Name of each file, and what makes its bytes."""
