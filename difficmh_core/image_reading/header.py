"""What a file's header says of its picture, read before any decoder sees the file."""

from dataclasses import dataclass


class UnreadKindError(ValueError):
    """The file is whole, but of a kind within its format that is not read; says what to do."""


@dataclass(frozen=True, slots=True)
class Coding:
    """The color coding that a file names by the code points of ITU-T H.273.

    Attributes:
        primaries: 1 is sRGB's, 9 BT.2020's, 12 Display P3's.
        transfer: 13 is sRGB's, 16 PQ, 18 HLG.
    """

    primaries: int
    transfer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a picture without decoding it.

    Attributes:
        size: Width and height as they are stored, before any turn [px].
        data: What the decoder is given: the file, where possible without its metadata.
        profile: The ICC profile, not checked.
        coding: The color coding by code points.
        orientation: EXIF's, 1 to 8; 1 where the decoder itself turns the picture.
        n_frames: Frames of an animation, or pages.
        part: What one of these is called.
        traits: What chooses between decoders, by the format's own words.
    """

    size: tuple[int, int]
    data: bytes
    profile: bytes | None = None
    coding: Coding | None = None
    orientation: int = 1
    n_frames: int = 1
    part: str = "frame"
    traits: frozenset[str] = frozenset()
