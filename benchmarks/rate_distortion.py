"""nano beside VVC and JPEG at equal bytes, with what each decoding preset of nano gives.

    python -m benchmarks.rate_distortion FOLDER --ffmpeg FFMPEG [--n 20] [--out results/rates]

For every photograph and every target, nano's file is the best that fits; VVC and JPEG get as many
bytes as that file has. Where even a codec's smallest file is larger, that one is taken and
counted. VVC is coded by VVenC through an ffmpeg with libvvenc. Beside distances stands what a
classifier and a detector make of each picture. Kept are every picture's numbers (JSON), their
means by codec and target, and one contact sheet per target.
"""

import argparse
import io
import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import torch
from PIL import Image, ImageDraw, ImageFont

from benchmarks.agreement import Agreement, Machines, f1
from difficmh_core.config import DecodeSettings
from difficmh_core.image_io import read_image, to_tensor, write_png
from difficmh_core.presets import preset_of, presets_of
from difficmh_core.profiles import NANO_FOLDER, load_codec
from difficmh_core.quality.metrics import QualityMeter
from difficmh_core.weights.cache import default_cache_dir

TARGETS_BPP = (0.03, 0.06, 0.12)
METRICS = ("psnr_db", "ms_ssim", "lpips_alex", "lpips_vgg", "dists")
CONTENT = "content"
"""The content latent decoded without diffusion."""
_VVC_QP = range(20, 64)
_VVC_PRESET = "fast"
_LIMIT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture, coded by one codec for one target."""

    picture: str
    target_bpp: float
    codec: str
    bpp: float
    fits: bool
    values: Mapping[str, float]
    """By the names in ``METRICS``."""
    agreement: Agreement


def vvc_files(ffmpeg: Path, image: Image.Image) -> Callable[[int], bytes]:
    """Return a function from the quantization parameter to the coded picture, by VVenC."""

    @cache
    def coded(qp: int) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.png", Path(folder) / "out.266"
            image.save(source)
            options = f"-frames:v 1 -pix_fmt yuv420p10le -c:v libvvenc -qp {qp} -qpa 0"
            command = [ffmpeg, "-v", "error", "-i", source, *options.split()]
            command += ["-preset", _VVC_PRESET, target]
            subprocess.run(command, check=True, timeout=_LIMIT_S, capture_output=True)
            return target.read_bytes()

    return coded


def vvc_picture(ffmpeg: Path, data: bytes) -> Image.Image:
    """Return the picture of a VVC file."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.266", Path(folder) / "out.png"
        source.write_bytes(data)
        command = [ffmpeg, "-v", "error", "-i", source, "-frames:v", "1", target]
        subprocess.run(command, check=True, timeout=_LIMIT_S, capture_output=True)
        with Image.open(target) as image:
            return image.convert("RGB")


def jpeg_files(image: Image.Image) -> Callable[[int], bytes]:
    """Return a function from JPEG's quality to the coded picture, by libjpeg."""

    @cache
    def coded(quality: int) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        return buffer.getvalue()

    return coded


def best_within(
    coded: Callable[[int], bytes], settings: Sequence[int], n_bytes: int
) -> tuple[bytes, bool]:
    """Return the largest file that fits, and whether one does; else the smallest file.

    Args:
        coded: From a setting to the file.
        settings: From the largest file to the smallest.
        n_bytes: What the file may hold.
    """
    low, high = 0, len(settings) - 1
    while low < high:
        middle = (low + high) // 2
        if len(coded(settings[middle])) <= n_bytes:
            high = middle
        else:
            low = middle + 1
    data = coded(settings[low])
    return data, len(data) <= n_bytes


def rows_of(
    paths: Sequence[Path], presets: Mapping[str, DecodeSettings], arguments: argparse.Namespace
) -> Iterator[tuple[Row, Image.Image]]:
    """Yield every result with its decoded picture."""
    codec = load_codec("nano", weights_folder=arguments.weights)
    meter, machines = QualityMeter(default_cache_dir()), Machines()
    for path in paths:
        image = read_image(path)
        original = to_tensor(image)
        n_pixels = image.width * image.height
        jpeg, vvc = jpeg_files(image), None
        if arguments.ffmpeg:
            vvc = vvc_files(arguments.ffmpeg, image)

        def row(name: str, picture: Image.Image, n_bytes: int, target: float, fits: bool) -> Row:
            decoded = to_tensor(picture)
            with torch.inference_mode():
                values = {
                    key: meter.measure(key, original, decoded).item()  # noqa: B023
                    for key in METRICS
                }
            return Row(
                picture=path.stem,  # noqa: B023
                target_bpp=target,
                codec=name,
                bpp=8 * n_bytes / n_pixels,  # noqa: B023
                fits=fits,
                values=values,
                agreement=machines.compare(original, decoded),  # noqa: B023
            )

        smallest = codec.encode(image, quality=0.0).data
        for target in TARGETS_BPP:
            limit = int(target * n_pixels / 8)
            nano_fits = len(smallest) <= limit
            data = codec.encode(image, target_bytes=limit).data if nano_fits else smallest
            for name, settings in presets.items():
                decoded = codec.decode_image(data, settings)
                yield row(f"nano, {name}", decoded, len(data), target, nano_fits), decoded
            coded, fits = best_within(jpeg, range(95, 0, -1), len(data))
            picture = read_image(coded)
            yield row("JPEG", picture, len(coded), target, fits), picture
            if vvc is not None:
                coded, fits = best_within(vvc, _VVC_QP, len(data))
                picture = vvc_picture(arguments.ffmpeg, coded)
                yield row(f"VVC ({_VVC_PRESET})", picture, len(coded), target, fits), picture


def means_of(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return the mean of every number by target and codec."""
    groups = defaultdict[tuple[float, str], list[Row]](list)
    for row in rows:
        groups[row.target_bpp, row.codec].append(row)
    return [
        {
            "target_bpp": target,
            "codec": codec,
            "n": len(group),
            "fitting": sum(row.fits for row in group),
            "bpp": round(mean(row.bpp for row in group), 4),
            **{key: round(mean(row.values[key] for row in group), 4) for key in METRICS},
            "top1": round(mean(row.agreement.top1 for row in group), 4),
            "js_bits": round(mean(row.agreement.js_bits for row in group), 4),
            "box_f1": round(f1([row.agreement for row in group]), 4),
        }
        for (target, codec), group in sorted(groups.items())
    ]


def contact_sheet(
    pictures: Mapping[str, Mapping[str, Image.Image]], columns: Sequence[str], side_px: int
) -> Image.Image:
    """Return the pictures in rows, one column for each codec, its name above."""
    caption_px, gap_px = 20, 4
    size = (
        len(columns) * (side_px + gap_px),
        caption_px + len(pictures) * (side_px + gap_px),
    )
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for column, name in enumerate(columns):
        draw.text((column * (side_px + gap_px) + 2, 2), name, fill="black", font=font)
    for line, versions in enumerate(pictures.values()):
        for column, name in enumerate(columns):
            picture = versions[name].copy()
            picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
            place = column * (side_px + gap_px), caption_px + line * (side_px + gap_px)
            sheet.paste(picture, place)
    return sheet


def keep(rows: Sequence[Row], path: Path) -> None:
    """Write the rows, and the means of those there are."""
    kept = [asdict(row) | {"agreement": row.agreement._asdict()} for row in rows]
    path.write_text(json.dumps({"means": means_of(rows), "rows": kept}, indent=1) + "\n")


def main() -> None:
    """Measure, print the means, and keep everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ffmpeg", type=Path, help="an ffmpeg with libvvenc; without, no VVC")
    parser.add_argument("--n", type=int, default=20, help="photographs")
    parser.add_argument(
        "--presets", nargs="+", default=["instant", "fast"], choices=list(presets_of("nano"))
    )
    parser.add_argument("--weights", type=Path, default=NANO_FOLDER, help="other weights of nano")
    parser.add_argument("--side-px", type=int, default=320, help="side of the sheets' pictures")
    parser.add_argument("--out", type=Path, default=Path("results/rates"))
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.folder.iterdir() if p.is_file())[: arguments.n]
    presets = {CONTENT: DecodeSettings(steps=1, realism=0.0)}
    presets |= {name: preset_of("nano", name) for name in arguments.presets}

    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = list[Row]()
    sheets: dict[float, dict[str, dict[str, Image.Image]]] = {t: {} for t in TARGETS_BPP}
    for row, picture in rows_of(paths, presets, arguments):
        rows.append(row)
        keep(rows, arguments.out / "rates.json")  # each at once, lest an interruption lose all
        versions = sheets[row.target_bpp].setdefault(row.picture, {})
        versions[row.codec] = picture
    for target, pictures in sheets.items():
        for path in paths:
            pictures[path.stem] = {"original": read_image(path), **pictures[path.stem]}
        columns = list(pictures[paths[0].stem])
        sheet = contact_sheet(pictures, columns, arguments.side_px)
        write_png(sheet, arguments.out / f"sheet-{target}.png")
    for line in means_of(rows):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
