"""Code and decode a folder of photographs in separate processes, and put JPEG beside the result.

    python -m benchmarks.photographs FOLDER [--n 20] [--preset fast] [--out results/photographs]

Prints, and keeps as JSON: whether every picture comes back in its size, whether files and pictures
are the same twice and with one and two threads, seconds and peak memory of each process, bits per
pixel by quality, and LPIPS beside JPEG at equal bytes (or at JPEG's smallest file).
"""

import argparse
import io
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from PIL import Image

from benchmarks import check_system
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.profiles import preset_of, presets_of
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.models.load import load_codec
from difficmh_core.quality.lpips import perceptual_distance

QUALITIES = (0, 25, 50, 75, 100)


def work(task: str, inputs: Sequence[Path], out: Path, preset: str, quality: float) -> None:
    """Encode or decode in this process; print seconds and peak memory as JSON."""
    import resource

    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    codec = load_codec("nano", cache_dir=cache_folder())
    report: dict[str, object] = {"load_s": time.monotonic() - began}
    seconds = list[float]()
    for path in inputs:
        began = time.monotonic()
        if task == "encode":
            data = codec.encode(read_image(path), quality=quality).data
            (out / f"{path.stem}.dicmh").write_bytes(data)
        else:
            picture = codec.decode_image(path.read_bytes(), preset_of("nano", preset))
            picture.save(out / f"{path.stem}.png")
        seconds.append(time.monotonic() - began)
    report |= {
        "first_s": seconds[0],
        "median_s": median(seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report))


def run(
    task: str,
    inputs: Sequence[Path],
    out: Path,
    arguments: argparse.Namespace,
    threads: int,
    quality: float = 50.0,
) -> dict[str, float]:
    """Run :func:`work` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.photographs", "--worker", task, "--out", str(out)]
    command += ["--preset", arguments.preset, "--quality", str(quality), "--threads", str(threads)]
    done = subprocess.run(
        [*command, *map(str, inputs)], check=True, capture_output=True, encoding="utf-8"
    )
    report: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"  {task}, {threads} thread(s): " + ", ".join(f"{k} {v:.2f}" for k, v in report.items())
    )
    return report


def jpeg_within(image: Image.Image, n_bytes: int) -> bytes:
    """Return the best JPEG of at most ``n_bytes``, or the smallest that there is."""
    best = b""
    for quality in range(1, 96):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if best and buffer.tell() > n_bytes:
            break
        best = buffer.getvalue()
    return best


def same_bytes(first: Path, second: Path) -> bool:
    """Say whether two folders hold the same files."""
    return all(path.read_bytes() == (second / path.name).read_bytes() for path in first.iterdir())


def gray_levels_apart(first: Path, second: Path) -> float:
    """Return the largest mean difference of the pictures of two folders [gray levels]."""
    return max(
        float(np.abs(_pixels(path) - _pixels(second / path.name)).mean())
        for path in first.iterdir()
    )


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), dtype=np.int16)


def compare(arguments: argparse.Namespace) -> dict[str, object]:
    """Run everything and return the results."""
    out: Path = arguments.out
    photos = sorted(p for p in arguments.inputs[0].iterdir() if p.is_file())[: arguments.n]
    print(f"{len(photos)} photographs, preset {arguments.preset}")
    results: dict[str, object] = {"n": len(photos), "preset": arguments.preset}
    results["encode_2_threads"] = run("encode", photos, out / "files-2", arguments, 2)
    results["encode_1_thread"] = run("encode", photos, out / "files-1", arguments, 1)
    run("encode", photos, out / "files-2-again", arguments, 2)
    results["same_files_twice"] = same_bytes(out / "files-2", out / "files-2-again")
    results["same_files_1_and_2_threads"] = same_bytes(out / "files-2", out / "files-1")

    files = sorted((out / "files-2").iterdir())
    results["decode_2_threads"] = run("decode", files, out / "pictures-2", arguments, 2)
    results["decode_1_thread"] = run("decode", files, out / "pictures-1", arguments, 1)
    run("decode", files, out / "pictures-2-again", arguments, 2)
    results["same_pictures_twice"] = same_bytes(out / "pictures-2", out / "pictures-2-again")
    results["gray_levels_apart_1_and_2_threads"] = gray_levels_apart(
        out / "pictures-2", out / "pictures-1"
    )
    results["exact_sizes"] = all(
        Image.open(out / "pictures-2" / f"{photo.stem}.png").size == read_image(photo).size
        for photo in photos
    )

    bpp = {}
    for quality in QUALITIES:
        folder = out / f"quality-{quality}"
        run("encode", photos, folder, arguments, 2, quality)
        pixels = {photo.stem: np.prod(read_image(photo).size) for photo in photos}
        bpp[quality] = median(8 * p.stat().st_size / pixels[p.stem] for p in folder.iterdir())
    results["median_bpp_by_quality"] = bpp
    results |= beside_jpeg(photos, out)
    return results


def beside_jpeg(photos: Sequence[Path], out: Path) -> dict[str, object]:
    """Return LPIPS (alex) of nano and of JPEG at equal bytes, or at JPEG's smallest file."""
    perceptual = perceptual_distance("alex", cache_folder())
    ours, theirs, ratio, wins = list[float](), list[float](), list[float](), 0
    for photo in photos:
        image = read_image(photo)
        n_bytes = (out / "files-2" / f"{photo.stem}.dicmh").stat().st_size
        jpeg = jpeg_within(image, n_bytes)
        original = to_tensor(image)
        with torch.inference_mode():
            decoded = to_tensor(read_image(out / "pictures-2" / f"{photo.stem}.png"))
            ours.append(perceptual(original, decoded).item())
            theirs.append(perceptual(original, to_tensor(read_image(jpeg))).item())
        ratio.append(len(jpeg) / n_bytes)
        wins += ours[-1] < theirs[-1]
    return {
        "lpips_nano_median": median(ours),
        "lpips_jpeg_median": median(theirs),
        "jpeg_bytes_over_nano_bytes": mean(ratio),
        "photographs_where_nano_is_better": wins,
    }


def main() -> None:
    """Parse the arguments, and compare or work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--preset", default="fast", choices=list(presets_of("nano")))
    parser.add_argument("--quality", type=float, default=50.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/photographs"))
    parser.add_argument("--worker", choices=["encode", "decode"])
    arguments = parser.parse_args()
    check_system(parser)
    if arguments.worker:
        torch.set_num_threads(arguments.threads)
        work(
            arguments.worker, arguments.inputs, arguments.out, arguments.preset, arguments.quality
        )
        return
    results = compare(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(
        json.dumps(results, indent=2) + "\n", encoding="utf-8"
    )
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
