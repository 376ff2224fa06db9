"""How long large photos take, and how right the forecast is while they are coded and decoded.

    python -m benchmarks.large_photos PHOTO [--megapixels 1 12 16] [--preset fast]

PHOTO is scaled to each size. Of the forecast, the line shows what it said after a quarter of the
time, and what was right; CPU seconds are those of all threads, which other programs do not change.
"""

import argparse
import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.config.profiles import preset_of
from difficmh_core.config.stages import Load, encoding_load
from difficmh_core.image_io import read_image
from difficmh_core.models.load import load_codec
from difficmh_core.workload import Forecast, Progress


def followed(work: Generator[Any, None, Any], load: Load) -> tuple[Any, dict[str, float]]:
    """Do some work; return what it made last, how long it took, and how right its forecast was."""
    forecast, told, last = Forecast(load), list[tuple[float, float]](), None
    began, cpu_began = time.monotonic(), time.process_time()
    while True:
        try:
            state = next(work)
        except StopIteration as end:
            last = last if end.value is None else end.value
            break
        if isinstance(state, Progress):
            seconds = time.monotonic() - began
            forecast.note(state, seconds)
            told.append((seconds, forecast.left_s))
        else:
            last = state
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu_began
    at, left_s = next(each for each in told if each[0] >= seconds / 4)
    facts = {"seconds": seconds, "cpu_s": cpu_s, "left_said_s": left_s, "left_s": seconds - at}
    return last, {name: round(value, 1) for name, value in facts.items()}


def main() -> None:
    """Measure, and print one line for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 12, 16])
    parser.add_argument("--preset", default="fast")
    arguments = parser.parse_args()
    codec, photo = load_codec("nano"), read_image(arguments.photo)
    settings = preset_of("nano", arguments.preset)
    for megapixels in arguments.megapixels:
        factor = (1e6 * megapixels / (photo.width * photo.height)) ** 0.5
        size = round(photo.width * factor), round(photo.height * factor)
        image = photo.resize(size, Image.Resampling.LANCZOS)
        load = encoding_load(image.width * image.height, is_tagged=True)
        encoded, encoding = followed(codec.encode_parts(image), load)
        load = codec.decoding_load((image.height, image.width), settings)
        _, decoding = followed(codec.decode_parts(encoded.stream, settings), load)
        line = {"size": size, "encoding": encoding, "decoding": decoding}
        print(json.dumps(line | {"load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()
