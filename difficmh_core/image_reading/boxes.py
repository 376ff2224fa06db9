"""Boxes of the ISO base media file format: a length, a name of four letters, a content.

HEIC, AVIF, JPEG XL and JPEG 2000 files consist of them.

References:
    ISO/IEC 14496-12, section 4.2.
"""

import struct
from collections.abc import Iterator

from difficmh_core.image_reading.caps import check


class BoxReader:
    """Steps over the boxes of one file, and counts them over all its levels, up to a named cap."""

    def __init__(self, data: bytes, cap: str) -> None:
        self._data = data
        self._cap = cap
        self._n_boxes = 0

    def boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield the name of each box between two offsets, and where its content begins and ends.

        Raises:
            ImageError: If there are too many.
            ValueError: If a box says that it is shorter than its own header.
        """
        at = start
        while at + 8 <= end:
            length, name = struct.unpack_from(">I4s", self._data, at)
            content = at + 8
            if length == 1:
                length = struct.unpack_from(">Q", self._data, content)[0]
                content += 8
            box_end = end if length == 0 else at + length
            if box_end < content:
                raise ValueError(f"its box {name!r} has an impossible length")
            self._n_boxes += 1
            check(self._cap, self._n_boxes)
            yield name, content, min(box_end, end)
            at = box_end

    def first(self, start: int, end: int, *names: bytes) -> tuple[int, int] | None:
        """Find where a nested box's content begins and ends: the first of each name."""
        for wanted in names:
            found = next(
                (
                    (content, box_end)
                    for name, content, box_end in self.boxes(start, end)
                    if name == wanted
                ),
                None,
            )
            if found is None:
                return None
            start, end = found
        return start, end
