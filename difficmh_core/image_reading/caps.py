"""How much a file may hold before a decoder sees it: one table, each row with its reason.

Decoders are written for photographs. A crafted file of a few bytes can keep one busy for minutes,
because some count in it (of scans, of strips, of frames) costs time that no pixel accounts for.
All such counts stand in headers, so that they are read in a linear walk and checked here. Each
limit is far above what cameras and programs write. What the pixels themselves cost is bounded by
``max_pixels``.

Two counts stand in no header: the layers of a still JPEG XL picture, and the size in the stream of
an AVIF tile, where it is another than the tile's box says. Whoever reads the files of strangers
reads them in a process with limits of time and memory.
"""

from dataclasses import dataclass

from difficmh_core.errors import ImageError


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit.

    Attributes:
        name: What is counted, as in "has 1,000 scans".
        limit: The most that is accepted.
        reason: Why no photograph needs more, in a sentence.
    """

    name: str
    limit: int
    reason: str


_MB = 1_000_000

CAPS: tuple[Cap, ...] = (
    Cap("bytes of JPEG", 100 * _MB, "64 megapixels at the best quality take about 60 MB."),
    Cap("bytes of PNG", 400 * _MB, "64 megapixels of 48 bits are 384 MB without compression."),
    Cap("bytes of WebP", 100 * _MB, "A lossless one of its 268 megapixels stays far below."),
    Cap("bytes of AVIF", 100 * _MB, "Telephones write 1 to 10 MB."),
    Cap("bytes of HEIC", 100 * _MB, "A telephone's 48 megapixels are up to 24 MB."),
    Cap("bytes of JPEG XL", 200 * _MB, "64 lossless megapixels of 48 bits are about 200 MB."),
    Cap("bytes of GIF", 100 * _MB, "Only the first frame is read; long animations stay below."),
    Cap("bytes of TIFF", 800 * _MB, "64 megapixels of three floating point numbers are 768 MB."),
    Cap("bytes of BMP", 300 * _MB, "64 megapixels of 32 bits are 256 MB."),
    Cap("bytes of PPM", 400 * _MB, "64 megapixels of 48 bits are 384 MB."),
    Cap(
        "bytes of JPEG 2000",
        20 * _MB,
        "A core decodes 2 to 5 MB each second; 20 MB are 13 lossless megapixels, or 64 at the "
        "rates that archives use.",
    ),
    Cap("bytes of color profile", 16 * _MB, "Printers' CMYK profiles are 0.5 to 3 MB."),
    Cap("bytes of EXIF", 16 * _MB, "One JPEG segment holds 64 KB; thumbnails add little."),
    Cap("JPEG scans", 64, "Progressive files have 6 to 20; each visits all blocks again."),
    Cap("JPEG segments", 10_000, "A profile takes up to 255, an embedded video some hundreds."),
    Cap("PNG chunks beside the pixels", 10_000, "Photos have 5 to 50; animations more."),
    Cap("PNG chunks of pixels", 200_000, "400 MB in libpng's 8 KB pieces are 50,000."),
    Cap("bytes in compressed PNG metadata", 16 * _MB, "The profile is all that is unpacked."),
    Cap("WebP chunks", 100_000, "A minute of animation at 60 frames per second has 3,600."),
    Cap("GIF blocks", 20_000, "A comment and two blocks for each frame of a long animation."),
    Cap("GIF data pieces", 2_000_000, "Pieces hold up to 255 bytes; 100 MB make 400,000."),
    Cap("ISO boxes", 10_000, "A telephone's image of 192 tiles has about 300."),
    Cap("HEIF items", 4_096, "48 megapixels in tiles of 512 x 512 are 192; 2 GB are 8,192."),
    Cap("HEIF references", 16_384, "Each tile is named once or twice."),
    Cap(
        "pixels in HEIF tiles",
        16 * _MB,
        "Counted beyond four times the image's, which the last row and column and alpha take.",
    ),
    Cap("bytes in overlapping HEIF items", 1 * _MB, "Counted beyond twice the file's size."),
    Cap("HEIF properties", 16_384, "One list of up to 32,767 is shared by all items."),
    Cap("frames in a sequence", 100_000, "Half an hour at 60 frames per second."),
    Cap("JPEG XL extra channels", 16, "Alpha and depth are two; each is as large as the image."),
    Cap("JPEG XL boxes", 10_000, "Streamed files come in some dozens of pieces."),
    Cap("TIFF tags", 1_000, "Photos have 15 to 80."),
    Cap("bytes in TIFF tags", 32 * _MB, "Profiles, EXIF and Photoshop's layers are up to 20 MB."),
    Cap("TIFF pages", 10_000, "Each page is found only through the one before."),
    Cap("TIFF strips or tiles", 100_000, "With a row in each, as many as there are rows."),
    Cap("TIFF samples per pixel", 16, "RGB or CMYK with alpha and masks are up to 8."),
    Cap("bytes in overlapping TIFF strips", 1 * _MB, "Counted beyond twice the file's size."),
    Cap(
        "pixels in TIFF tiles",
        16 * _MB,
        "Counted beyond four times the image's, which tiles at the border may take.",
    ),
    Cap("JPEG 2000 tiles", 10_000, "64 megapixels in tiles of 128 x 128 are 4,096."),
    Cap("JPEG 2000 tile parts", 50_000, "One for each resolution of each tile is common."),
    Cap("JPEG 2000 components", 5, "CMYK with alpha; Pillow reads no more."),
    Cap("JPEG 2000 layers", 200, "Archives use 1 to 50."),
    Cap("JPEG 2000 packets", 1 * _MB, "64 megapixels in 256 x 256 with 25 layers are 100,000."),
    Cap("JPEG 2000 code blocks", 1 * _MB, "64 megapixels in blocks of 32 x 32 are 187,500."),
    Cap("JPEG 2000 boxes", 1_000, "Files have about ten."),
    Cap("bytes of PPM header", 65_536, "Three numbers and a comment."),
    Cap("bytes of plain PPM", 16 * _MB, "Numbers in words; about a megapixel for each 10 MB."),
    Cap("bytes of run-length BMP", 16 * _MB, "Such files hold drawings."),
)
"""All limits; the first rows are those of whole files, by format."""

_BY_NAME = {cap.name: cap for cap in CAPS}


def limit_of(name: str) -> int:
    """Return the limit of a row of :data:`CAPS`."""
    return _BY_NAME[name].limit


def check(name: str, found: int) -> None:
    """Refuse a file that holds more of something than any photograph.

    Args:
        name: A row of :data:`CAPS`.
        found: How many the file has.

    Raises:
        ImageError: If that is more than the row's limit.
    """
    cap = _BY_NAME[name]
    if found > cap.limit:
        raise ImageError(
            f"The file holds more than {cap.limit:,} {name}, which is the most that is read. "
            "Save it again with a photo program."
        )
