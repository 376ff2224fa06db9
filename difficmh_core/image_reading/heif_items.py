"""The items of a HEIF file: which one is the picture, what it is made of, what it costs.

A picture is coded as one item or as a grid of tiles, each an item of its own; properties (size,
color, turn) lie in one list and are assigned to items by their place in it.

References:
    ISO/IEC 23008-12 (HEIF), sections 6 and 9; ISO/IEC 14496-12, section 8.11.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from difficmh_core.image_reading.boxes import BoxReader
from difficmh_core.image_reading.caps import check

_MOST_LEVELS = 4
"""Of pictures made from pictures: a grid of tiles has two."""


@dataclass(slots=True)
class HeifItems:
    """The tables of a ``meta`` box.

    Attributes:
        primary: The id of the item that is the picture.
        properties: Name and content of each property, in the order of the file.
        assigned: For each item, places in that list, from 1.
        parts: For each item, what it is made of.
        auxiliary: For each item, what describes it (alpha, depth, a gain map).
    """

    primary: int = 0
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    assigned: dict[int, list[int]] = field(default_factory=dict)
    parts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    auxiliary: dict[int, list[int]] = field(default_factory=dict)

    def of(self, item: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield name and content of each property of an item."""
        for place in self.assigned.get(item, ()):
            if 0 < place <= len(self.properties):
                yield self.properties[place - 1]

    def size(self, item: int) -> tuple[int, int]:
        """Return width and height of an item before any turn [px].

        Raises:
            ValueError: If it has none.
        """
        for name, content in self.of(item):
            if name == b"ispe":
                width, height = struct.unpack_from(">II", content, 4)
                return width, height
        raise ValueError("its image has no size")

    def check_pixels(self) -> None:
        """Refuse a picture whose parts hold far more pixels than it shows.

        Raises:
            ImageError: If they do.
            ValueError: If pictures are made from pictures in more levels than any program writes.
        """
        known = dict[int, int]()
        shown = self.size(self.primary)
        items = [self.primary, *self.auxiliary.get(self.primary, ())]
        decoded = sum(self._pixels(item, 1, known) for item in items)
        check("pixels in HEIF tiles", decoded - 4 * shown[0] * shown[1])

    def _pixels(self, item: int, level: int, known: dict[int, int]) -> int:
        if level > _MOST_LEVELS:
            raise ValueError("its image is made from itself")
        if item not in known:
            if parts := self.parts.get(item):
                known[item] = sum(self._pixels(part, level + 1, known) for part in parts)
            else:
                width, height = self.size(item)
                known[item] = width * height
        return known[item]


def read_items(data: bytes, reader: BoxReader, start: int, end: int) -> HeifItems:
    """Return the tables of the ``meta`` box whose content lies between two offsets.

    Raises:
        ImageError: If a count is beyond its cap.
        ValueError: If a table is damaged.
    """
    items = HeifItems()
    for name, at, box_end in reader.boxes(start + 4, end):
        body = data[at:box_end]
        if name == b"pitm":
            items.primary = struct.unpack_from(">I" if body[0] else ">H", body, 4)[0]
        elif name == b"iinf":
            check("HEIF items", struct.unpack_from(">I" if body[0] else ">H", body, 4)[0])
        elif name == b"iloc":
            _check_extents(body, len(data))
        elif name == b"iref":
            _read_references(items, body, reader.boxes(at + 4, box_end), at)
        elif name == b"iprp":
            _read_properties(items, data, reader, at, box_end)
    return items


def _read_properties(
    items: HeifItems, data: bytes, reader: BoxReader, start: int, end: int
) -> None:
    for name, at, box_end in reader.boxes(start, end):
        if name == b"ipco":
            for kind, content, content_end in reader.boxes(at, box_end):
                items.properties.append((kind, data[content:content_end]))
        elif name == b"ipma":
            _read_assignments(items, data[at:box_end])


def _read_assignments(items: HeifItems, body: bytes) -> None:
    id_code, place_code = ">I" if body[0] else ">H", ">H" if body[3] & 1 else ">B"
    n_items = struct.unpack_from(">I", body, 4)[0]
    check("HEIF items", n_items)
    at, n_assigned = 8, 0
    for _ in range(n_items):
        item = struct.unpack_from(id_code, body, at)[0]
        at += struct.calcsize(id_code)
        places = list[int]()
        for index in range(body[at]):
            place = struct.unpack_from(
                place_code, body, at + 1 + index * struct.calcsize(place_code)
            )
            places.append(place[0] & (0x7FFF if place_code == ">H" else 0x7F))
        at += 1 + len(places) * struct.calcsize(place_code)
        n_assigned += len(places)
        check("HEIF properties", n_assigned)
        items.assigned.setdefault(item, places)


def _read_references(
    items: HeifItems, body: bytes, boxes: Iterator[tuple[bytes, int, int]], start: int
) -> None:
    id_bytes = 4 if body[0] else 2
    n_references = 0
    for kind, at, _ in boxes:
        at -= start
        source = int.from_bytes(body[at : at + id_bytes], "big")
        n_targets = struct.unpack_from(">H", body, at + id_bytes)[0]
        n_references += n_targets
        check("HEIF references", n_references)
        first = at + id_bytes + 2
        targets = tuple(
            int.from_bytes(body[first + id_bytes * index : first + id_bytes * (index + 1)], "big")
            for index in range(n_targets)
        )
        if kind == b"dimg":
            items.parts.setdefault(source, targets)
        elif kind == b"auxl":
            for target in targets:
                items.auxiliary.setdefault(target, []).append(source)


def _check_extents(body: bytes, file_bytes: int) -> None:
    """Refuse items whose pieces add up to far more than the file."""
    version, sizes = body[0], struct.unpack_from(">H", body, 4)[0]
    offset_bytes, length_bytes, base_bytes, index_bytes = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    id_bytes = 4 if version == 2 else 2
    n_items = int.from_bytes(body[6 : 6 + id_bytes], "big")
    check("HEIF items", n_items)
    at, n_extents, total = 6 + id_bytes, 0, 0
    extent_bytes = offset_bytes + length_bytes + (index_bytes if version else 0)
    for _ in range(n_items):
        at += id_bytes + (2 if version else 0) + 2 + base_bytes
        count = struct.unpack_from(">H", body, at)[0]
        at += 2
        n_extents += count
        check("HEIF references", n_extents)
        for _ in range(count):
            length = body[at + extent_bytes - length_bytes : at + extent_bytes]
            total += int.from_bytes(length, "big") or file_bytes
            at += extent_bytes
    check("bytes in overlapping HEIF items", total - 2 * file_bytes)
