"""The steps of a rehearsal, in their order: from the hub to a decoded picture on the page."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from benchmarks.full_size.measuring import Cost, disk_gb
from benchmarks.full_size.page import decode_on_the_page
from benchmarks.full_size.refusals import REFUSALS
from benchmarks.full_size.setup import (
    FIRST_RATE,
    SECOND_RATE,
    Setup,
    Step,
    StepError,
    last_line,
)
from difficmh_core.models.sd21 import STRIPPED_FOLDER
from difficmh_core.weights.hub_cards import CHECKPOINTS
from difficmh_core.weights.published.stripped import SHARED_FILE, TAGGER_FILE
from tests.hub_server import Hub

__all__ = ["STEPS"]

_CUT_SHARE = 0.4
_OVERHEAD = 1.15
"""How much more than the files' size may be in memory once every weight was read."""
_PROGRAM_GB = 0.9
"""What Python and its packages take before any weight is there."""


def _write(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
    setup.write_checkpoint()
    return None, f"{setup.served.stat().st_size / 1e9:.2f} GB, {len(setup.inventory)} tensors"


def _fetch_interrupted(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    hub.cut_after = int(_CUT_SHARE * setup.served.stat().st_size)
    try:
        cost, said = setup.refused(*_fetching(setup.cache, FIRST_RATE, hub))
    finally:
        hub.cut_after = hub.refusal = None
    place = CHECKPOINTS[FIRST_RATE].place(setup.cache)
    partial = place.with_name(place.name + ".partial")
    if "what has arrived is kept" not in said or not partial.stat().st_size:
        raise StepError(said)
    return cost, f"{partial.stat().st_size / 1e9:.2f} GB were kept"


def _fetch_resumed(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    cost, _ = setup.done(*_fetching(setup.cache, FIRST_RATE, hub))
    share = hub.ranges[-1] / setup.served.stat().st_size
    if share < _CUT_SHARE / 2:
        raise StepError(f"it went on at {share:.0%} of the file")
    return cost, f"went on at {share:.0%} of the file"


def _strip(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    cost, _ = setup.done(*_fetching(setup.cache, FIRST_RATE, hub), "--stripped")
    return cost, f"{_stripped_gb(setup.cache):.2f} GB"


def _strip_narrow(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    rate = _served_rate(setup)
    place = CHECKPOINTS[rate].place(setup.narrow_cache)
    if not place.exists():  # downloading was a step before; a link saves the time and the disk
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(setup.served, place)
        note = f"- {place.stat().st_size} {CHECKPOINTS[rate].revision}\n"
        place.with_name(place.name + ".checked").write_text(note, encoding="ascii")
    words = _fetching(setup.narrow_cache, rate, hub)
    cost, _ = setup.done(*words, "--stripped", "--bfloat16")
    return cost, f"{_stripped_gb(setup.narrow_cache):.2f} GB"


def _read_all(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
    words = ["-m", "benchmarks.full_size.reading", str(setup.cache), str(FIRST_RATE)]
    cost = setup.run([sys.executable, *words])
    if cost.code != 0:
        raise StepError(last_line(cost.said))
    times = (cost.peak_gb - _PROGRAM_GB) / _stripped_gb(setup.cache)
    if times > _OVERHEAD:
        raise StepError(f"{times:.2f} times the files' size was in memory")
    return cost, f"{times:.2f} times the files' size, without the program's {_PROGRAM_GB} GB"


def _encode(name: str) -> Step:
    def step(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
        cache, rate = _weights_of(setup, name)
        file = setup.folder / f"{name}.dicmh"
        words = "encode", setup.picture(_picture_of(name)), file, "--profile", "sd21"
        cost, told = setup.done(*words, "--rate", rate, "--cache-dir", cache)
        if not told["tags"]:
            raise StepError("no tags were found")
        return cost, f"{file.stat().st_size:,} bytes, {len(told['tags'])} tags"

    return step


def _info(name: str) -> Step:
    def step(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
        cost, _told = setup.done("info", setup.folder / f"{name}.dicmh")
        return cost, ""

    return step


def _verify(name: str) -> Step:
    def step(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
        cache, _rate = _weights_of(setup, name)
        cost, told = setup.done("verify", setup.folder / f"{name}.dicmh", "--cache-dir", cache)
        if not told["is_valid"]:
            raise StepError("the file is not valid")
        return cost, ""

    return step


def _decode(name: str, *more: str) -> Step:
    def step(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
        cache, _rate = _weights_of(setup, name)
        file, picture = setup.folder / f"{name}.dicmh", setup.folder / f"{name}-decoded.png"
        words = "decode", file, picture, "--preset", "instant", *more
        cost, told = setup.done(*words, "--cache-dir", cache)
        size = setup.sizes[_picture_of(name)]
        with Image.open(picture) as decoded:
            if decoded.size != size or not _has_content(decoded):
                raise StepError(f"the decoded picture is no picture of {size[0]} x {size[1]} px")
        return cost, f"{told['n_steps']} steps, {told['seconds']:.0f} s of it decoding"

    return step


def _second_rate(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    folder = setup.cache / STRIPPED_FOLDER
    before = {name: (folder / name).stat().st_mtime_ns for name in (SHARED_FILE, TAGGER_FILE)}
    setup.change_rate()
    gb = _stripped_gb(setup.cache)
    cost, _ = setup.done(*_fetching(setup.cache, SECOND_RATE, hub), "--stripped")
    if any((folder / name).stat().st_mtime_ns != when for name, when in before.items()):
        raise StepError("files that the rates share were written again")
    return cost, f"{_stripped_gb(setup.cache) - gb:.2f} GB more"


def _evaluate(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
    photos = setup.folder / "photos"
    photos.mkdir(exist_ok=True)
    with Image.open(setup.picture("small")) as photo:
        photo.save(photos / "one.png")
        photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "two.png")
    cost = setup.command(
        *("evaluate", photos, "--codecs", "sd21-instant", "--rate", FIRST_RATE),
        *("--rates", "0.1", "--metrics", "psnr_db", "--tasks", "none", "--set-metrics", "none"),
        *("--anchor", "sd21-instant", "--out", setup.folder / "evaluated"),
        *("--cache-dir", setup.cache),
    )
    if cost.code != 0:
        raise StepError(last_line(cost.said))
    return cost, "2 pictures"


STEPS: Mapping[str, Step] = {
    "write the checkpoint": _write,
    "fetch, interrupted": _fetch_interrupted,
    "fetch, resumed": _fetch_resumed,
    "encode square, whole checkpoint": _encode("square"),
    "fetch --stripped": _strip,
    "load, and read every weight": _read_all,
    "encode square": _encode("square"),
    "info square": _info("square"),
    "verify square": _verify("square"),
    "decode square": _decode("square"),
    **REFUSALS,
    "fetch a second rate --stripped": _second_rate,
    "encode small, second rate": _encode("small-second"),
    "decode small, second rate": _decode("small-second"),
    "fetch --stripped --bfloat16": _strip_narrow,
    "encode square, bfloat16": _encode("square-bfloat16"),
    "decode square, bfloat16": _decode("square-bfloat16", "--steps", "2"),
    "encode wide": _encode("wide"),
    "verify wide": _verify("wide"),
    "decode wide": _decode("wide"),
    "evaluate": _evaluate,
    "page": decode_on_the_page,
    "encode large": _encode("large"),
    "decode large, content only": _decode("large", "--realism", "0"),
}
"""By their names; each needs what those before it made."""


def _fetching(cache: Path, rate: int, hub: Hub) -> list[object]:
    return ["fetch", "sd21", "--rate", rate, "--cache-dir", cache, "--endpoint", hub.endpoint]


def _stripped_gb(cache: Path) -> float:
    return disk_gb(cache / STRIPPED_FOLDER)


def _served_rate(setup: Setup) -> int:
    """The rate whose weights the hub has now."""
    second = setup.cache / STRIPPED_FOLDER / f"rate-{SECOND_RATE}.safetensors"
    return SECOND_RATE if second.exists() else FIRST_RATE


def _picture_of(name: str) -> str:
    return name.partition("-")[0]


def _weights_of(setup: Setup, name: str) -> tuple[Path, int]:
    """The folder of weights, and the rate, with which a picture is coded."""
    if name.endswith("-bfloat16"):
        return setup.narrow_cache, _served_rate(setup)
    return setup.cache, SECOND_RATE if name.endswith("-second") else FIRST_RATE


def _has_content(picture: Image.Image) -> bool:
    return all(min(band.getdata()) < max(band.getdata()) for band in picture.split())
