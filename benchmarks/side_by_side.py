"""Draw pictures side by side: original, nano, and JPEG at equal bytes or its smallest file.

    python -m benchmarks.side_by_side docs/comparison.png examples/cat.png [more pictures]

Under each picture stand its bytes, bits per pixel and LPIPS (alex, lower is better).
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from benchmarks.photographs import jpeg_within
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import preset_of, presets_of
from difficmh_core.image_io import read_image, to_tensor, write_png
from difficmh_core.models.load import load_codec
from difficmh_core.quality.lpips import PerceptualDistance, perceptual_distance

_CAPTION_PX = 34
_GAP_PX = 8


def row(
    codec: DiffICMHCodec, perceptual: PerceptualDistance, path: Path, preset: str, quality: float
) -> Image.Image:
    """Return one picture three times: original, nano, JPEG."""
    image = read_image(path)
    encoded = codec.encode(image, quality=quality)
    decoded = codec.decode_image(encoded.data, preset_of("nano", preset))
    jpeg = jpeg_within(image, len(encoded.data))
    versions = [
        (image, f"original, {image.width} x {image.height} px"),
        (decoded, _caption("nano", encoded.data, image, decoded, perceptual)),
        (read_image(jpeg), _caption("JPEG", jpeg, image, read_image(jpeg), perceptual)),
    ]
    width = 3 * image.width + 2 * _GAP_PX
    sheet = Image.new("RGB", (width, image.height + _CAPTION_PX), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for index, (version, caption) in enumerate(versions):
        left = index * (image.width + _GAP_PX)
        sheet.paste(version, (left, 0))
        draw.text((left + 2, image.height + 6), caption, fill="black", font=font)
    return sheet


def _caption(
    name: str,
    data: bytes,
    original: Image.Image,
    decoded: Image.Image,
    perceptual: PerceptualDistance,
) -> str:
    with torch.inference_mode():
        distance = perceptual(to_tensor(original), to_tensor(decoded)).item()
    bpp = 8 * len(data) / (original.width * original.height)
    return f"{name}: {len(data):,} bytes, {bpp:.3f} bpp, LPIPS {distance:.3f}"


def main() -> None:
    """Draw one row for each picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--preset", default="fast", choices=list(presets_of("nano")))
    parser.add_argument("--quality", type=float, default=50.0)
    arguments = parser.parse_args()
    cache_dir = cache_folder()
    codec = load_codec("nano", cache_dir=cache_dir)
    perceptual = perceptual_distance("alex", cache_dir)
    rows = [
        row(codec, perceptual, path, arguments.preset, arguments.quality)
        for path in arguments.pictures
    ]
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), "white")
    top = 0
    for drawn in rows:
        sheet.paste(drawn, (0, top))
        top += drawn.height
    write_png(sheet, arguments.sheet)


if __name__ == "__main__":
    main()
