"""Small files of every kind, made by other programs; ``python -m tests.real_pictures`` makes them.

The files are kept in ``tests/pictures``, because most machines lack the programs: Debian 12's
``cjxl`` (libjxl 0.7), ``heif-enc`` (libheif 1.15), ``avifenc`` (libavif 0.11), ``tiffcp``
(libtiff 4.5), ImageMagick 6.9.11. What none of them writes is written by imagecodecs or by
Pillow, or put together here.
"""

import io
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests import scene

FOLDER = Path(__file__).parent / "pictures"

MADE_BY: dict[str, str] = {
    "heic-8.heic": "heif-enc -q 98 -p chroma=444 -o OUT scene.png",
    "heic-10.heic": "heif-enc -q 98 -b 10 -p chroma=444 -o OUT scene16.png",
    "heic-p3.heic": "heif-enc -q 98 -p chroma=444 -o OUT p3.png",
    "heic-alpha.heic": "heif-enc -q 98 -p chroma=444 -o OUT alpha.png",
    "avif-8.avif": "avifenc -d 8 -y 444 --min 0 --max 6 -s 4 scene.png OUT",
    "avif-10.avif": "avifenc -d 10 -y 444 --min 0 --max 6 -s 4 scene16.png OUT",
    "avif-12.avif": "avifenc -d 12 -y 444 --min 0 --max 6 -s 4 scene16.png OUT",
    "avif-turned.avif": "avifenc --irot 3 -y 444 --min 0 --max 6 -s 4 left.png OUT",
    "avif-mirrored.avif": "avifenc --imir 1 -y 444 --min 0 --max 6 -s 4 mirrored.png OUT",
    "avif-p3.avif": "avifenc -d 8 --cicp 12/13/6 -y 444 --min 0 --max 6 -s 4 p3-bare.png OUT",
    "avif-pq.avif": "avifenc -d 10 --cicp 9/16/9 -y 444 --min 0 --max 0 -s 4 pq16.png OUT",
    "avif-hlg.avif": "avifenc -d 10 --cicp 9/18/9 -y 444 --min 0 --max 0 -s 4 hlg16.png OUT",
    "avif-frames.avif": "avifenc -y 444 --min 0 --max 6 -s 4 scene.png gray.png OUT",
    "jxl-lossy.jxl": "cjxl scene.png OUT -d 0.3",
    "jxl-lossless.jxl": "cjxl scene.png OUT -d 0",
    "jxl-16.jxl": "cjxl scene16.png OUT -d 0",
    "jxl-gray-16.jxl": "cjxl gray16.png OUT -d 0",
    "jxl-from-jpeg.jxl": "cjxl scene.jpg OUT",
    "jxl-turned.jxl": "cjxl turned.jpg OUT -j 0 -d 0.3",
    "jxl-p3.jxl": "cjxl p3.png OUT -d 0",
    "jxl-pq.jxl": "cjxl pq16.png OUT -d 0 -x color_space=RGB_D65_202_Rel_PeQ",
    "jxl-frames.jxl": "cjxl frames.apng OUT -d 0",
    "jxl-alpha.jxl": "cjxl alpha.png OUT -d 0",
    "plain-float.tiff": "convert scene16.png -depth 32 -define quantum:format=floating-point OUT",
    "tiff-float-lzw-3.tiff": "tiffcp -c lzw:3 plain-float.tiff OUT",
    "plain-cmyk.tiff": "convert scene.png -colorspace CMYK -compress none OUT",
    "tiff-cmyk-lzw-2.tiff": "tiffcp -c lzw:2 plain-cmyk.tiff OUT",
    "plain-16.tiff": "convert scene16.png -depth 16 -compress none OUT",
    "tiff-16-lzw-2.tiff": "tiffcp -c lzw:2 plain-16.tiff OUT",
    "tiff-16-tiled.tiff": "tiffcp -t -w 16 -l 16 -c zip:2 plain-16.tiff OUT",
    "tiff-16-planes.tiff": "convert scene16.png -depth 16 -interlace plane -compress LZW OUT",
    "plain-8.tiff": "convert scene.png -compress none OUT",
    "tiff-big.tiff": "tiffcp -8 -c zip:2 plain-8.tiff OUT",
    "tiff-16-motorola.tiff": "convert gray16.png -depth 16 -endian MSB -compress Zip OUT",
    "tiff-gray-16.tiff": "convert gray16.png -depth 16 -compress LZW OUT",
    "tiff-white-is-0.tiff": "convert gray.png -negate -define quantum:polarity=min-is-white OUT",
    "tiff-12.tiff": "convert gray16.png -depth 12 -compress LZW OUT",
    "tiff-jpeg-tiled.tiff": "tiffcp -t -w 48 -l 32 -c jpeg:r:97 plain-8.tiff OUT",
    "tiff-rows.tiff": "tiffcp -r 1 -c zip plain-8.tiff OUT",
    "tiff-turned.tiff": "convert left.png -orient RightTop -compress Zip OUT",
    "tiff-pages.tiff": "convert scene.png gray.png -compress Zip OUT",
    "jpeg-baseline.jpg": "convert scene.png -quality 97 -sampling-factor 1x1 OUT",
    "jpeg-progressive.jpg": "convert scene.png -quality 97 -interlace JPEG OUT",
    "jpeg-cmyk.jpg": "convert scene.png -colorspace CMYK -quality 99 -sampling-factor 1x1 OUT",
    "png-gray-16.png": "convert gray16.png -define png:color-type=0 -define png:bit-depth=16 OUT",
    "png-rgb-16.png": "convert scene16.png -define png:color-type=2 -define png:bit-depth=16 OUT",
    "gif-frames.gif": "convert gray.png gray.png -delay 5 -loop 0 OUT",
    "webp-lossy.webp": "convert gray.png -quality 98 OUT",
    "webp-frames.webp": "convert scene.png gray.png -define webp:lossless=true OUT",
    "bmp.bmp": "convert gray.png -compress RLE BMP3:OUT",
    "pgm.pgm": "convert gray.png OUT",
}
"""The command of each file; ``OUT`` is its name, the other names are those of ``inputs``.

Files named ``plain`` are only steps on the way."""


def inputs(folder):
    """Write what the commands start from."""
    plain, gray = scene.scene() / 255, scene.scene().mean(axis=-1) / 255
    p3 = scene.levels(scene.srgb_curve(scene.light_in("P3")))
    arrays = {
        "scene": scene.levels(plain),
        "scene16": scene.levels(plain, 16),
        "gray": scene.levels(gray),
        "gray16": scene.levels(gray, 16),
        "p3-bare": p3,
        "left": np.rot90(scene.levels(plain)),
        "mirrored": scene.levels(plain)[:, ::-1],
        "pq16": scene.levels(scene.pq_curve(scene.light_in("BT.2020")), 16),
        "hlg16": scene.levels(scene.hlg_curve(scene.light_in("BT.2020")), 16),
    }
    for name, values in arrays.items():
        (folder / f"{name}.png").write_bytes(scene.png(values))
    Image.fromarray(p3).save(folder / "p3.png", icc_profile=scene.profile("P3"))
    first, last = Image.fromarray(arrays["scene"]), Image.fromarray(arrays["gray"]).convert("RGB")
    first.save(folder / "frames.apng", "PNG", save_all=True, append_images=[last], duration=50)
    with_alpha = first.copy()
    with_alpha.putalpha(Image.fromarray(alpha()))
    with_alpha.save(folder / "alpha.png")
    first.save(folder / "scene.jpg", quality=98, subsampling=0)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(arrays["left"]).save(
        folder / "turned.jpg", quality=98, subsampling=0, exif=exif
    )


def alpha():
    """Opaque but for the lower half, which fades to the right."""
    values = np.full((32, 48), 255, np.uint8)
    values[16:] = np.arange(48) * 5
    return values


def saved(format, values, **options):
    """A picture as Pillow writes it."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format, **options)
    return buffer.getvalue()


def jpeg_of_12_bits():
    """Made by libjpeg-turbo through imagecodecs."""
    import imagecodecs

    values = scene.levels(scene.scene() / 255, 12)
    return bytes(imagecodecs.jpeg8_encode(values, level=98, bitspersample=12, subsampling="444"))


def jpeg_of_two():
    """A JPEG with a second one behind it and an index of both (CIPA DC-007), as gain maps are."""
    first = saved("JPEG", scene.levels(scene.scene() / 255), quality=97, subsampling=0)
    second = saved("JPEG", np.full((16, 24), 77, np.uint8))

    def row(kind, n_bytes, at):
        return struct.pack("<IIIHH", kind, n_bytes, at, 0, 0)

    body_bytes = 4 + 8 + 2 + 3 * 12 + 4 + 2 * 16
    total = len(first) + 4 + body_bytes
    tags = struct.pack("<H", 3)
    tags += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100") + struct.pack("<HHII", 0xB001, 4, 1, 2)
    tags += struct.pack("<HHII", 0xB002, 7, 32, 8 + 2 + 36 + 4) + struct.pack("<I", 0)
    rows = row(0x030000, total, 0) + row(0, len(second), total - 2 - 4 - 4)
    body = b"MPF\0II*\0" + struct.pack("<I", 8) + tags + rows
    return first[:2] + struct.pack(">BBH", 0xFF, 0xE2, len(body) + 2) + body + first[2:] + second


def written_here():
    """Files that none of the programs writes."""
    plain, left = scene.levels(scene.scene() / 255), np.rot90(scene.levels(scene.scene() / 255))
    p3 = scene.levels(scene.srgb_curve(scene.light_in("P3")))
    adobe = scene.levels(scene.light_in("Adobe RGB").clip(0) ** (1 / 2.19921875))
    best = {"quality": 98, "subsampling": 0}
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = io.BytesIO()
    Image.fromarray(plain).save(
        frames, "PNG", save_all=True, append_images=[Image.fromarray(255 - plain)]
    )
    return {
        "jpeg-12.jpg": jpeg_of_12_bits(),
        "jpeg-gain-map.jpg": jpeg_of_two(),
        "jpeg-p3.jpg": saved("JPEG", p3, icc_profile=scene.profile("P3"), **best),
        "jpeg-adobe-rgb.jpg": saved(
            "JPEG", adobe, icc_profile=scene.profile("Adobe RGB", 2.19921875), **best
        ),
        "jpeg-turned.jpg": saved("JPEG", left, exif=exif, **best),
        "png-turned.png": saved("PNG", left, exif=exif),
        "webp-turned.webp": saved("WEBP", left, exif=exif, lossless=True),
        "png-frames.png": frames.getvalue(),
        "png-p3.png": scene.png(p3, b"cICP" + bytes([12, 13, 0, 1])),
        "jpeg-2000.jp2": saved("JPEG2000", plain, quality_mode="rates", quality_layers=[4]),
        "heic-turned.heic": heic(Image.fromarray(left), exif=exif.tobytes()),
        "heic-pq.heic": heic_of_pq(),
    }


def heic(image, **options):
    """Made by libheif through pillow-heif, which writes EXIF's turn as the format's own."""
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=98, chroma=444, **options)
    return buffer.getvalue()


def heic_of_pq():
    """The same of 10 bits, with the code points of BT.2020 and PQ."""
    import pillow_heif

    pillow_heif.options.SAVE_NCLX_PROFILE = True
    values = scene.levels(scene.pq_curve(scene.light_in("BT.2020")), 16)
    height, width = values.shape[:2]
    image = pillow_heif.from_bytes("RGB;16", (width, height), values.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, quality=-1, chroma=444, color_primaries=9, transfer_characteristics=16,
               matrix_coefficients=9, full_range_flag=1)  # fmt: skip
    return buffer.getvalue()


def main():
    """Make every file anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs(folder)
        Image.open(folder / "scene.png").save(FOLDER / "scene.png", optimize=True)
        for file, command in MADE_BY.items():
            words = command.replace("OUT", file).split()
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            made = folder / file
            if done.returncode or not made.exists():
                raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
            if not file.startswith("plain"):
                shutil.copy(made, FOLDER / file)
    for file, data in written_here().items():
        (FOLDER / file).write_bytes(data)


if __name__ == "__main__":
    main()
