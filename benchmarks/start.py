"""Whole commands beside ``python -c "import torch"``, and their work alone beside other codecs.

    python -m benchmarks.start [PHOTO] [--rounds 5] [--out results/start.json]

Each command runs in a process of its own, in turn with the others, so that all meet the same
machine; of each, the fastest round is shown, and the most memory that its process held. PHOTO is
scaled to 512 x 512 px; without it, the first example is taken.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks import check_system
from benchmarks._machine import this_machine
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.profiles import preset_of

ROOT = Path(__file__).parents[1]
LONGEST_WAIT_S = 300.0  # until the page answers


Cost = tuple[float, float]
"""Of a whole command: how long it takes [s], and the most memory that it holds [MiB]."""


def cost_of(command: list[str]) -> Cost:
    """What a command costs that runs to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak_mib = _wait(process)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, peak_mib


def _wait(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process to end; the most memory that it held [MiB]."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 2**10  # told in KiB


def cost_of_the_page() -> Cost:
    """What it costs until the page answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    page = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).read()
            except OSError:
                if time.perf_counter() - began > LONGEST_WAIT_S:
                    raise
                time.sleep(0.02)
            else:
                seconds = time.perf_counter() - began
                break
    finally:
        page.terminate()
        peak_mib = _wait(page)
    return seconds, peak_mib


def whole_commands(photo: Path, folder: Path, rounds: int) -> dict[str, Cost]:
    """The fastest of several rounds of each command, and the most memory of any."""
    ours = [sys.executable, "-m", "difficmh_core"]
    file, picture = str(folder / "photo.dicmh"), str(folder / "photo.png")
    commands: Mapping[str, Callable[[], Cost]] = {
        "import torch": lambda: cost_of([sys.executable, "-c", "import torch"]),
        "encode": lambda: cost_of([*ours, "encode", str(photo), file]),
        "decode --preset instant": lambda: cost_of(
            [*ours, "decode", file, picture, "--preset", "instant"]
        ),
        "decode": lambda: cost_of([*ours, "decode", file, picture]),
        "verify": lambda: cost_of([*ours, "verify", file]),
        "info": lambda: cost_of([*ours, "info", file]),
        "--help": lambda: cost_of([*ours, "--help"]),
        "page answers": cost_of_the_page,
    }
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, run in commands.items():
            found[name].append(run())
    return {
        name: (min(seconds for seconds, _ in costs), max(peak for _, peak in costs))
        for name, costs in found.items()
    }


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
        "decode paper": lambda: codec.decode_image(data, preset_of("nano", "paper")),
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
    check_system(parser)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "photo.webp"
        with Image.open(arguments.photo or sorted((ROOT / "examples").glob("*.png"))[0]) as image:
            image.convert("RGB").resize((512, 512)).save(photo, lossless=True)
        costs = whole_commands(photo, folder, arguments.rounds)
        report = {
            "whole_s": {name: seconds for name, (seconds, _) in costs.items()},
            "peak_mib": {name: peak for name, (_, peak) in costs.items()},
            "work_s": work_alone(photo, arguments.rounds),
            "machine": this_machine(),
        }
    torch_s = report["whole_s"]["import torch"]
    for name, (seconds, peak_mib) in costs.items():
        shown = f"{seconds:6.2f} s  {seconds / torch_s:5.2f} x import torch {peak_mib:6.0f} MiB"
        sys.stdout.write(f"{name:28s} {shown}\n")
    for name, seconds in report["work_s"].items():
        sys.stdout.write(f"work alone: {name:20s} {1000 * seconds:7.0f} ms\n")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
