"""What kind of file some bytes are, told by their beginning and never by a name.

Only the kinds of :class:`Format` reach a decoder. Other kinds that people try are known by name,
so that the refusal says what the file is.
"""

import re
from enum import StrEnum

from difficmh_core.errors import ImageError

SNIFFED_BYTES = 4096
"""How much of a file's beginning is enough to tell its kind [bytes]."""
READ = "JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF, BMP, PPM or JPEG 2000"
"""What is read, as a message lists it."""


class Format(StrEnum):
    """The kinds of picture files that are read; the value is the name that people know."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    AVIF = "AVIF"
    HEIC = "HEIC"
    JPEG_XL = "JPEG XL"
    GIF = "GIF"
    TIFF = "TIFF"
    BMP = "BMP"
    PPM = "PPM"
    JPEG_2000 = "JPEG 2000"


_SIGNATURES: tuple[tuple[re.Pattern[bytes], Format], ...] = tuple(
    (re.compile(pattern, re.DOTALL), format)
    for pattern, format in (
        (rb"\xff\xd8\xff", Format.JPEG),
        (rb"\x89PNG\r\n\x1a\n", Format.PNG),
        (rb"RIFF....WEBP", Format.WEBP),
        (rb"GIF8[79]a", Format.GIF),
        (rb"\xff\x0a", Format.JPEG_XL),
        (rb"\0\0\0\x0cJXL \r\n\x87\n", Format.JPEG_XL),
        (rb"\0\0\0\x0cjP  \r\n\x87\n", Format.JPEG_2000),
        (rb"\xff\x4f\xff\x51", Format.JPEG_2000),
        (rb"P[1-6][\s#]", Format.PPM),
        (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", Format.BMP),
        (rb"(II|MM)(\*\0|\0\*|\+\0|\0\+)", Format.TIFF),
    )
)
_REFUSED: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"II\*\0....CR", "a raw camera file (CR2)"),
        (rb"IIR[OS]|MMOR", "a raw camera file (ORF)"),
        (rb"IIU\0", "a raw camera file (RW2)"),
        (rb"FUJIFILMCCD-RAW", "a raw camera file (RAF)"),
        (rb"....ftypcrx ", "a raw camera file (CR3)"),
        (rb"FOVb", "a raw camera file (X3F)"),
        (rb"....(ftyp|moov|mdat|wide|free|skip)", "a video"),
        (rb"\x1aE\xdf\xa3", "a video"),
        (rb"RIFF....AVI ", "a video"),
        (rb"\0\0\x01[\xba\xb3]|FLV\x01|G.{187}G|0&\xb2u", "a video"),
        (rb"RIFF....WAVE|ID3|OggS|fLaC|\xff[\xfb\xf3\xf2]", "a sound"),
        (rb"%PDF", "a PDF"),
        (rb"8BPS", "a PSD"),
        (rb"gimp xcf", "a GIMP image (XCF)"),
        (rb"%!|\xc5\xd0\xd3\xc6", "a PostScript program (EPS)"),
        (rb"PK(\x03\x04|\x05\x06)", "a ZIP"),
        (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", "a compressed archive"),
        (rb"\xd1CM", "a .dicmh file (decode it instead)"),
        (rb"\0\0[\x01\x02]\0[^\0]\0", "an icon (ICO)"),
        (rb"P[fF7][\s]", "a PFM or PAM image"),
        (rb"#\?(RADIANCE|RGBE)", "a Radiance HDR image"),
        (rb"v/1\x01", "an OpenEXR image"),
        (rb"DDS ", "a DDS texture"),
        (rb"qoif", "a QOI image"),
        (rb"\xd0\xcf\x11\xe0", "an Office document"),
        (rb"II\xbc", "a JPEG XR image"),
        (rb"BPG\xfb", "a BPG image"),
        (rb".{128}DICM", "a DICOM image"),
        (rb"\x7fELF|MZ", "a program"),
    )
)
_TEXT_MARKS = ((rb"<svg[\s>]", "an SVG"), (rb"<!doctype html|<html[\s>]", "HTML"))
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_SHARED_BRANDS = {b"mif1", b"msf1", b"mif2", b"miaf"}


def format_of(start: bytes, name: str) -> Format:
    """Tell which of the formats that are read a file has.

    Args:
        start: Its first bytes, :data:`SNIFFED_BYTES` or all there are.
        name: How a message calls it: ``The file 'photo.jpg'``.

    Raises:
        ImageError: If it is empty or of no such format; the message names what it is.
    """
    if not start:
        raise ImageError(f"{name} is empty (0 bytes). Choose an image file.")
    kind = _by_signature(start)
    if isinstance(kind, Format):
        return kind
    is_what = f"is {kind}, not an image that can be read here"
    if kind is None:
        is_what = "is not an image that can be read here"
    raise ImageError(f"{name} {is_what}. Choose a {READ} file.")


def _by_signature(start: bytes) -> Format | str | None:
    """Return the format, the name of another kind, or ``None``."""
    # An unfinished raw file begins like a TIFF, and a HEIC file like a video: finer marks first.
    if refused := next((name for mark, name in _REFUSED[:1] if mark.match(start)), None):
        return refused
    for mark, format in _SIGNATURES:
        if mark.match(start):
            return format
    if start[4:8] == b"ftyp" and (picture := _by_brands(start)) is not None:
        return picture
    for mark, name in _REFUSED:
        if mark.match(start):
            return name
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for pattern, name in _TEXT_MARKS:
        if text.startswith(b"<") and re.search(pattern, text):
            return name
    return None


def _by_brands(start: bytes) -> Format | None:
    """Tell which still picture an ISO base media file holds.

    References:
        ISO/IEC 23008-12 (HEIF), section 10; AV1 Image File Format, section 8.
    """
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end - 3, 4))]
    for kinds, format in ((_AVIF_BRANDS, Format.AVIF), (_HEIC_BRANDS, Format.HEIC)):
        if brands[0] in kinds or (brands[0] in _SHARED_BRANDS and kinds & set(brands)):
            return format
    return Format.HEIC if brands[0] in _SHARED_BRANDS else None
