"""Crafted files that consist of boxes: HEIC, AVIF and JPEG XL; see ``crafted_pictures``."""

import struct
from collections.abc import Callable


def box(name, *contents):
    """One box."""
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name, *contents, version=0, flags=0):
    """One box with a version."""
    return box(name, bytes([version]) + flags.to_bytes(3, "big"), *contents)


def heif(
    references=b"", *, n_items=1, primary=1, size=(4000, 4000), properties=b"", brand=b"heic"
):
    """A HEIC file of tables alone: items of one size, and what refers to what."""
    entries = b"".join(
        full(
            b"infe",
            struct.pack(">HH4sB", item, 0, b"grid" if item == 1 else b"hvc1", 0),
            version=2,
        )
        for item in range(1, n_items + 1)
    )
    places = b"".join(struct.pack(">HBB", item, 1, 1) for item in range(1, n_items + 1))
    extents = b"".join(struct.pack(">HHHII", item, 0, 1, 0, 16) for item in range(1, n_items + 1))
    return box(b"ftyp", brand, bytes(4), b"mif1", brand) + full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iloc", b"\x44\0", struct.pack(">H", n_items), extents),
        full(b"iinf", struct.pack(">H", n_items), entries),
        full(b"iref", references) if references else b"",
        box(
            b"iprp",
            box(b"ipco", full(b"ispe", struct.pack(">II", *size)), properties),
            full(b"ipma", struct.pack(">I", n_items), places),
        ),
    )


def grid(source, targets):
    """A reference from a grid to its tiles."""
    return box(b"dimg", struct.pack(">HH", source, len(targets)), *(
        struct.pack(">H", target) for target in targets
    ))  # fmt: skip


def heif_of_nested_boxes(brand=b"heic"):
    """A HEIC file with 100,000 boxes in one another."""
    start = box(b"ftyp", brand, bytes(4), b"mif1", brand)
    nested = b"".join(
        struct.pack(">I4s", 8 * (100_000 - depth), b"meta") for depth in range(100_000)
    )
    return start + nested


def heif_of_boxes():
    """A HEIC file with a million empty properties."""
    return heif(properties=box(b"free") * 1_000_000)


def avif_of_frames():
    """An AVIF sequence that claims four billion frames."""
    entry = box(b"av01", bytes(24), struct.pack(">HH", 64, 64), bytes(50))
    tables = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stsz", struct.pack(">II", 1, 0xFFFFFFFF)),
        full(b"stts", struct.pack(">III", 1, 0xFFFFFFFF, 1)),
    )
    track = box(b"trak", box(b"mdia", box(b"minf", tables)))
    return box(b"ftyp", b"avis", bytes(4), b"avifavismiaf") + box(b"moov", track)


def jxl_of_boxes():
    """A JPEG XL file whose codestream comes in a million empty pieces."""
    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return start + box(b"jxlp", bytes(4)) * 1_000_000 + box(b"jxlc", jxl_of_channels())


def jxl_of_channels(n_channels=4096):
    """A JPEG XL codestream of 4000 x 4000 pixels with 4,096 extra channels."""
    fields = ((0, 1), (1, 2), (3999, 13), (1, 3), (0, 1), (0, 1), (0, 1), (0, 2), (1, 1), (3, 2),
              (n_channels - 1, 12))  # fmt: skip
    value = at = 0
    for number, n_bits in fields:
        value |= number << at
        at += n_bits
    value |= ((1 << n_channels) - 1) << at  # each channel is of the default kind
    return b"\xff\x0a" + value.to_bytes((at + n_channels) // 8 + 64, "little")


BOXED: dict[str, Callable[[], bytes]] = {
    "heic-nested-boxes": heif_of_nested_boxes,
    "heic-boxes": heif_of_boxes,
    "heic-items": lambda: heif(n_items=60_000),
    "heic-grid": lambda: heif(grid(1, [2] * 10_000), n_items=2),
    "heic-grid-in-grid": lambda: heif(
        b"".join(grid(level, [level + 1] * 200) for level in range(1, 4)), n_items=4
    ),
    "heic-grid-of-itself": lambda: heif(grid(1, [1, 1, 1, 1])),
    "avif-nested-boxes": lambda: heif_of_nested_boxes(b"avif"),
    "avif-frames": avif_of_frames,
    "avif-grid": lambda: heif(grid(1, [2] * 10_000), n_items=2, brand=b"avif"),
    "jxl-boxes": jxl_of_boxes,
    "jxl-channels": jxl_of_channels,
}
