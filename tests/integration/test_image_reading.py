"""Files of every kind, made by other programs, show the same scene; other kinds are named."""

import io

import numpy as np
import pytest
from PIL import Image

from difficmh_core.errors import ImageError
from difficmh_core.image_reading import read_picture
from difficmh_core.image_reading.sniffing import READ
from tests import real_pictures, scene

FILES = sorted(path for path in real_pictures.FOLDER.iterdir() if path.name != "scene.png")
MOST_ERROR = 2.0
"""Mean absolute difference of levels."""
PQ, HLG = (
    f"The file is {name} with a high dynamic range; what is brighter than white is clipped."
    for name in ("PQ", "HLG")
)
CMYK = "The file is CMYK without a color profile, so its colors are converted by a plain formula."
NOTES = {
    "avif-frames.avif": "The first of 2 frames is used.",
    "avif-hlg.avif": HLG,
    "avif-pq.avif": PQ,
    "gif-frames.gif": "The first of 2 frames is used.",
    "heic-pq.heic": PQ,
    "jpeg-cmyk.jpg": CMYK,
    "jxl-frames.jxl": "The first frame of an animation is used.",
    "jxl-pq.jxl": PQ,
    "png-frames.png": "The first of 2 frames is used.",
    "tiff-cmyk-lzw-2.tiff": CMYK,
    "tiff-float-lzw-3.tiff": (
        "The file holds floating point numbers: 0 to 1 is shown, what lies beyond is clipped."
    ),
    "tiff-pages.tiff": "The first of 2 pages is used.",
    "webp-frames.webp": "The first of 2 frames is used.",
}
GRAY = {
    "bmp.bmp", "gif-frames.gif", "jxl-gray-16.jxl", "pgm.pgm", "png-gray-16.png", "tiff-12.tiff",
    "tiff-16-motorola.tiff", "tiff-gray-16.tiff", "tiff-white-is-0.tiff", "webp-lossy.webp",
}  # fmt: skip
FORMATS = {
    "avif": "AVIF", "bmp": "BMP", "gif": "GIF", "heic": "HEIC", "jp2": "JPEG 2000", "jpg": "JPEG",
    "jxl": "JPEG XL", "pgm": "PPM", "png": "PNG", "tiff": "TIFF", "webp": "WebP",
}  # fmt: skip


def expected(name):
    """What a file shows, as levels."""
    image = scene.scene()
    if name in GRAY:
        image = image.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    if "alpha" in name:
        opacity = real_pictures.alpha()[..., None] / 255
        image = image * opacity + 255 * (1 - opacity)
    return image


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_kind_of_file_shows_the_scene(path):
    picture = read_picture(path)
    shown = np.asarray(picture.image).astype(np.float64)
    assert picture.image.mode == "RGB"
    assert picture.image.size == scene.SIZE
    assert np.abs(shown - expected(path.name)).mean() <= MOST_ERROR
    assert picture.format_name == FORMATS[path.suffix[1:]]
    assert picture.notes == ((NOTES[path.name],) if path.name in NOTES else ())
    assert picture.image.info == {}


def test_every_file_names_its_maker():
    made = {name for name in real_pictures.MADE_BY if not name.startswith("plain")}
    assert {path.name for path in FILES} == made | set(real_pictures.written_here())


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for path in real_pictures.FOLDER.iterdir()) <= 150_000


def test_the_name_of_a_file_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes((real_pictures.FOLDER / "heic-8.heic").read_bytes())
    assert read_picture(path).format_name == "HEIC"


def test_paths_bytes_and_open_files_read_the_same():
    path = real_pictures.FOLDER / "jpeg-turned.jpg"
    pixels = read_picture(path).image.tobytes()
    assert read_picture(str(path)).image.tobytes() == pixels
    assert read_picture(path.read_bytes()).image.tobytes() == pixels
    assert read_picture(io.BytesIO(path.read_bytes())).image.tobytes() == pixels
    with path.open("rb") as file:
        assert read_picture(file).image.tobytes() == pixels


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_size_is_checked_before_anything_is_decoded(path, monkeypatch):
    monkeypatch.setattr("difficmh_core.image_reading.picture.decode", None)
    n_pixels = scene.SIZE[0] * scene.SIZE[1]
    with pytest.raises(ImageError, match=f"at most {n_pixels - 1:,} are accepted"):
        read_picture(path, max_pixels=n_pixels - 1)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"%PDF-1.7", "a PDF"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'>", "an SVG"),
        (b"\n<!DOCTYPE html><title>", "HTML"),
        (b"PK\3\4", "a ZIP"),
        (b"8BPS\0\1", "a PSD"),
        (b"\xd1CM\1", "a .dicmh file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript program"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomavc1", "a video"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "a video"),
        (b"\x1aE\xdf\xa3\1\0\0\0", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a raw camera file (CR3)"),
        (b"II*\0\x10\0\0\0CR\2\0", "a raw camera file (CR2)"),
        (b"IIRO\x08\0\0\0", "a raw camera file (ORF)"),
        (b"IIU\0\x18\0\0\0", "a raw camera file (RW2)"),
        (b"FUJIFILMCCD-RAW 0201", "a raw camera file (RAF)"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(start, kind):
    with pytest.raises(ImageError) as caught:
        read_picture(start + bytes(100))
    message = str(caught.value)
    assert message.startswith(f"The data is {kind}")
    assert message.endswith(f"not an image that can be read here. Choose a {READ} file.")


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        (((50706, 1, 4, 1),), r"a raw camera file \(DNG\)"),
        (((254, 4, 1, 1), (330, 4, 1, 8)), "a raw camera file .NEF, ARW or PEF."),
        (((262, 3, 1, 32803),), "a raw camera file"),
    ],
)
def test_raw_files_that_begin_like_tiff_are_refused_by_name(tags, kind):
    from tests.crafted_pictures import tiff

    with pytest.raises(ImageError, match=f"is {kind}.*raw converter"):
        read_picture(tiff(*tags, tail=bytes(5000)))


def test_no_error_of_a_decoder_leaves(monkeypatch):
    path = real_pictures.FOLDER / "jpeg-baseline.jpg"
    for error in (AssertionError(), RecursionError("deep"), SystemError("?"), Warning("odd")):
        monkeypatch.setattr(
            "difficmh_core.image_reading.picture.decode", lambda *_, error=error: raises(error)
        )
        with pytest.raises(ImageError, match="is a damaged JPEG image"):
            read_picture(path)
    monkeypatch.setattr(
        "difficmh_core.image_reading.picture.decode", lambda *_: raises(MemoryError())
    )
    with pytest.raises(ImageError, match="needs more memory than there is"):
        read_picture(path)


def raises(error):
    raise error


def test_a_file_that_cannot_be_read_is_refused():
    closed = io.BytesIO()
    closed.close()
    for source in (closed, "a\0b", "/absent/photo.jpg"):
        with pytest.raises(ImageError, match="cannot be read"):
            read_picture(source)


def test_a_profile_that_does_not_fit_is_noted():
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG", icc_profile=b"garbage")
    notes = read_picture(buffer.getvalue()).notes
    assert notes == ("Its color profile is damaged or does not fit, and is ignored.",)


def test_what_is_brighter_than_white_is_clipped():
    code = int((np.clip(scene.pq_curve(np.array([4.0])), 0, 1) * 65535 + 0.5)[0])
    values = np.full((2, 2, 3), code, np.uint16)
    picture = read_picture(scene.png(values, b"cICP" + bytes([9, 16, 0, 1])))
    assert picture.image.getpixel((0, 0)) == (255, 255, 255)
    assert picture.notes == (PQ,)
