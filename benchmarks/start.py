"""Whole commands beside ``python -c "import torch"``, and their work alone beside other codecs.

    python -m benchmarks.start [PHOTO] [--rounds 5] [--out results/start.json]

Each command runs in a process of its own, in turn with the others, so that all meet the same
machine; of each, the fastest round is shown. PHOTO is scaled to 512 x 512 px; without it, the
first example is taken.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks._machine import this_machine
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.profiles import preset_of

ROOT = Path(__file__).parents[1]
PORT = 7999


def seconds_of(command: list[str]) -> float:
    """How long a command takes [s]."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - began


def page_seconds() -> float:
    """How long it takes until the page answers [s]."""
    began = time.perf_counter()
    page = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(PORT)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1).read()
            except OSError:
                time.sleep(0.02)
            else:
                return time.perf_counter() - began
    finally:
        page.terminate()
        page.wait()


def whole_commands(photo: Path, folder: Path, rounds: int) -> dict[str, float]:
    """The fastest of several rounds of each command [s]."""
    ours = [sys.executable, "-m", "difficmh_core"]
    file, picture = str(folder / "photo.dicmh"), str(folder / "photo.png")
    commands: Mapping[str, Callable[[], float]] = {
        "import torch": lambda: seconds_of([sys.executable, "-c", "import torch"]),
        "encode": lambda: seconds_of([*ours, "encode", str(photo), file]),
        "decode --preset instant": lambda: seconds_of(
            [*ours, "decode", file, picture, "--preset", "instant"]
        ),
        "decode": lambda: seconds_of([*ours, "decode", file, picture]),
        "verify": lambda: seconds_of([*ours, "verify", file]),
        "info": lambda: seconds_of([*ours, "info", file]),
        "--help": lambda: seconds_of([*ours, "--help"]),
        "page answers": page_seconds,
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, run in commands.items():
            found[name].append(run())
    return {name: min(times) for name, times in found.items()}


def work_alone(photo: Path, rounds: int) -> dict[str, float]:
    """The median time of coding and decoding in a process that has everything loaded [s]."""
    from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
    from difficmh_core.baselines.vvc import find_vvc
    from difficmh_core.image_io import read_image
    from difficmh_core.models.load import load_codec

    codec, image = load_codec("nano"), read_image(photo)
    data = codec.encode(image).data
    instant = preset_of("nano", "instant")
    jxl, vvenc = PILLOW_CODECS["jxl"](), find_vvc(cache_folder())
    tasks: Mapping[str, Callable[[], object]] = {
        "encode": lambda: codec.encode(image),
        "encode, tags given": lambda: codec.encode(image, tags=["tabby"]),
        "decode instant": lambda: codec.decode_image(data, instant),
        "decode fast": lambda: codec.decode_image(data),
        "JPEG XL, encode": lambda: jxl.encode(image, 50),
        "VVenC fast, encode": lambda: vvenc.encode(image, 37),
    }
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, run in tasks.items():
            began = time.perf_counter()
            run()
            found[name].append(time.perf_counter() - began)
    return {name: median(times[1:]) for name, times in found.items()}  # the first one warms up


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "photo.webp"
        with Image.open(arguments.photo or sorted((ROOT / "examples").glob("*.png"))[0]) as image:
            image.convert("RGB").resize((512, 512)).save(photo, lossless=True)
        report = {
            "whole_s": whole_commands(photo, folder, arguments.rounds),
            "work_s": work_alone(photo, arguments.rounds),
            "machine": this_machine(),
        }
    torch_s = report["whole_s"]["import torch"]
    for name, seconds in report["whole_s"].items():
        sys.stdout.write(f"{name:28s} {seconds:6.2f} s  {seconds / torch_s:5.2f} x import torch\n")
    for name, seconds in report["work_s"].items():
        sys.stdout.write(f"work alone: {name:20s} {1000 * seconds:7.0f} ms\n")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
