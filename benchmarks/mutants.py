"""What damaged files cost whose checksum is right: a million mutants, each refused or read.

    python -m benchmarks.mutants [--n 1000000] [--seed 0] [--out FILE]

Good files of several sizes and settings are damaged part by part, their CRC-32 is written anew,
and each is read up to its latents, one thread. A file may be read, if what was changed gives
another valid file, or be refused by one of the documented errors; anything else is kept in a
folder beside the results. Counts are kept as it goes on, and the same command continues them.

Memory is the process's peak resident set, as Linux counts it, for each mutant and for its good
file.
"""

import argparse
import json
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from benchmarks import check_system
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.bitstream.range_coder import RangeEncoder
from tests.fuzz.container import REFUSALS, FileReader
from tests.fuzz.dicmh import Parts, mutant, split
from tests.golden.__main__ import synthetic_photo

_CASES = (
    ("tiny", (40, 50), 20.0, ()),
    ("tiny", (64, 64), 50.0, ("tabby", "person", "volcano")),
    ("tiny", (75, 100), 90.0, ("tabby",)),
    ("tiny", (128, 192), 50.0, ()),
    ("nano", (40, 50), 20.0, ()),
    ("nano", (64, 64), 60.0, ("tabby", "person")),
    ("nano", (91, 147), 40.0, ("volcano",)),
)
"""Profile, (height, width), quality and tags of each good file."""
_NANO_SHARE = 0.05
"""Of the mutants; they take five times as long."""
_KINDS = (
    ("not a Diff-ICMH file", "not ours"),
    ("format version", "later version"),
    ("coded with profile", "unknown or other profile"),
    ("coded with model", "other weights"),
    ("inside its header", "ends in the header"),
    ("inside a number", "ends in a number of the header"),
    ("The number", "number not in its shortest form"),
    ("The file ends after", "shorter than announced"),
    ("but its header announces", "longer than announced"),
    ("The picture has", "picture over its limit"),
    ("the limit is", "section over its limit"),
    ("with a rank that no set", "no such set of tags"),
    ("correction list", "correction list"),
    ("number that no encoder writes", "no symbol"),
    ("holds the symbols", "symbol out of range"),
    ("take at least", "payload too short for its symbols"),
    ("from which the networks predict", "prediction out of range"),
    ("is not the one that its symbols", "payload not canonical"),
    ("decoded to other numbers", "check over the symbols"),
)
"""What a message says, and what it is counted as; the first that fits."""
_EVERY = 5000
_ANNOUNCED_PX = (1000, 2000, 4000, 8000)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodFile:
    """A file to damage.

    Attributes:
        name: Profile, size, quality and number of tags.
        reader: Reads it.
        data: Its bytes.
        parts: The same, taken apart.
    """

    name: str
    reader: FileReader
    data: bytes
    parts: Parts


@dataclass(slots=True, kw_only=True)
class Counts:
    """What happened so far.

    Attributes:
        n_done: Mutants read.
        outcomes: Mutants by what happened to them.
        read_though_altered: Of those that were read, by the parts that were altered.
        silent: Mutants with an altered payload that were read, in hexadecimal.
        seconds: Processor time spent reading, all together [s].
        slowest_s: The longest time [s], and of which good file and outcome.
        peak_mb: The largest resident set while a mutant was read [MB].
        most_growth_mb: The most by which one mutant raised the resident set [MB].
        faults: Mutants that crashed, or took over a second.
    """

    n_done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    read_though_altered: dict[str, int] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest_s: tuple[float, str] = (0.0, "")
    peak_mb: float = 0.0
    most_growth_mb: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)


def good_files() -> list[GoodFile]:
    """Return the files to damage."""
    readers = {name: FileReader(name) for name in ("tiny", "nano")}
    files = []
    for profile, (height, width), quality, tags in _CASES:
        reader = readers[profile]
        data = reader.codec.encode(synthetic_photo(height, width), quality=quality, tags=tags).data
        name = f"{profile}, {width} x {height} px, quality {quality:g}, {len(tags)} tags"
        files.append(GoodFile(name=name, reader=reader, data=data, parts=split(data)))
    return files


def resident_mb(key: str) -> float:
    """Return the resident set ``VmRSS``, or its peak ``VmHWM``, of this process [MB]."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{key}:\s+(\d+) kB", status)
    if found is None:
        raise RuntimeError(f"/proc/self/status holds no {key}; this needs Linux.")
    return int(found[1]) / 1000


def measured(reader: FileReader, data: bytes) -> tuple[str, Bitstream | None, float, float, float]:
    """Read a file: outcome, what it is, time [s], peak and growth of the resident set [MB].

    Time is that of the processor, which other programs do not change; there is one thread, and
    nothing to wait for.
    """
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = resident_mb("VmRSS")
    start, stream = time.process_time(), None
    try:
        stream, _ = reader.read(data)
        outcome = "read"
    except REFUSALS as error:
        outcome = _kind_of(error)
    except Exception as error:  # noqa: BLE001 (what is looked for)
        outcome = f"crash: {type(error).__name__}"
    seconds = time.process_time() - start
    peak = resident_mb("VmHWM")
    return outcome, stream, seconds, peak, peak - before


def _kind_of(error: Exception) -> str:
    message = str(error)
    for words, kind in _KINDS:
        if words in message:
            return f"{type(error).__name__}: {kind}"
    return f"crash: no kind for {message}"


def altered(stream: Bitstream, original: Bitstream) -> str:
    """Return the fields in which two files differ."""
    mine, others = asdict(stream), asdict(original)
    return " + ".join(name for name in mine if mine[name] != others[name])


def drawn(files: list[GoodFile], seed: int, index: int) -> tuple[GoodFile, bytes]:
    """Return a mutant by its number, and the good file that it was made of."""
    random = Random(f"{seed}-{index}")
    profile = "nano" if random.random() < _NANO_SHARE else "tiny"
    alike = [file for file in files if file.name.startswith(profile)]
    file = random.choice(alike)
    return file, mutant(file.parts, random, [other.parts for other in alike])


def count(counts: Counts, file: GoodFile, data: bytes, folder: Path) -> None:
    """Read one mutant and note what happened."""
    outcome, stream, seconds, peak, growth = measured(file.reader, data)
    counts.outcomes[outcome] = counts.outcomes.get(outcome, 0) + 1
    if stream is not None:
        fields = altered(stream, Bitstream.from_bytes(file.data))
        n_before = counts.read_though_altered.get(fields, 0)
        counts.read_though_altered[fields] = n_before + 1
        if "payload" in fields:
            counts.silent.append(data.hex())
    about = f"{file.name}: {outcome}"
    counts.seconds += seconds
    counts.slowest_s = max(counts.slowest_s, (round(seconds, 4), about))
    counts.peak_mb = max(counts.peak_mb, peak)
    counts.most_growth_mb = max(counts.most_growth_mb, (round(growth, 1), about))
    if outcome.startswith("crash") or seconds > 1:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{counts.n_done}.dicmh"
        path.write_bytes(data)
        counts.faults.append(path.name)
    counts.n_done += 1


def honest(files: list[GoodFile]) -> Iterator[dict[str, Any]]:
    """Yield the time and memory of reading each good file."""
    for file in files:
        measured(file.reader, file.data)  # the first one loads libraries
        outcome, _, seconds, peak, growth = measured(file.reader, file.data)
        yield {
            "file": file.name,
            "n_bytes": len(file.data),
            "outcome": outcome,
            "seconds": round(seconds, 4),
            "peak_mb": round(peak, 1),
            "growth_mb": round(growth, 1),
        }


def announced(file: GoodFile) -> Iterator[dict[str, Any]]:
    """Yield the costs of small files that announce large pictures, beside good ones of that size.

    The payload is the good file's; or the cheapest hyper-latent of such a picture and random
    bytes, which leads the decoder as far into its work as so few bytes can.
    """
    codec = file.reader.codec
    tables = codec.networks.latent_codec.hyper_tables.to_coder()
    for side in _ANNOUNCED_PX:
        n_blocks = (-(-side // 64)) ** 2
        modes = [int(np.diff(cdf)[:-1].argmax()) for cdf in tables.cdfs]
        symbols = (torch.tensor(modes) + torch.from_numpy(tables.offsets)).repeat_interleave(
            n_blocks
        )
        indexes = torch.arange(len(modes)).repeat_interleave(n_blocks)
        encoder = RangeEncoder()
        encoder.encode(symbols.int().numpy(), indexes.int().numpy(), tables)
        crafted = encoder.finish() + Random(0).randbytes(n_blocks // 32 + 64)
        payloads = {"own payload": file.parts.payload, "crafted payload": crafted}
        row: dict[str, Any] = {"side_px": side}
        for name, payload in payloads.items():
            data = replace(file.parts, size_px=(side, side), payload=payload).to_bytes()
            row[name] = _told(file.reader, data)
        if side <= _ANNOUNCED_PX[-2]:
            good = codec.encode(synthetic_photo(side, side), quality=50, tags=()).data
            row["good file"] = _told(file.reader, good)
        yield row


def _told(reader: FileReader, data: bytes) -> dict[str, Any]:
    outcome, _, seconds, peak, growth = measured(reader, data)
    return {
        "n_bytes": len(data),
        "outcome": outcome,
        "seconds": round(seconds, 4),
        "peak_mb": round(peak, 1),
        "growth_mb": round(growth, 1),
    }


def main() -> None:
    """Read the command line, go on where the last run ended, print and keep the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--n", type=int, default=1_000_000, help="mutants in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/mutants.json"))
    arguments = parser.parse_args()
    check_system(parser)

    torch.set_num_threads(1)
    files = good_files()
    content: dict[str, Any] = {"seed": arguments.seed, "device": f"one core, {platform.machine()}"}
    content["honest"] = list(honest(files))
    counts = Counts()
    if arguments.out.exists():
        kept = json.loads(arguments.out.read_text(encoding="utf-8"))
        if kept["seed"] != arguments.seed:
            parser.error(f"{arguments.out} was made with seed {kept['seed']}")
        counts = Counts(**kept["mutants"])
        counts.slowest_s = tuple(counts.slowest_s)
        counts.most_growth_mb = tuple(counts.most_growth_mb)
        content = kept
    while counts.n_done < arguments.n:
        file, data = drawn(files, arguments.seed, counts.n_done)
        count(counts, file, data, arguments.out.with_suffix(""))
        if counts.n_done % _EVERY == 0 or counts.n_done == arguments.n:
            _keep(content, counts, arguments.out)
    if "announced" not in content:
        content["announced"] = list(announced(files[-1]))
        _keep(content, counts, arguments.out)


def _keep(content: dict[str, Any], counts: Counts, path: Path) -> None:
    content["mutants"] = asdict(counts)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)
    print(f"{counts.n_done:,} mutants, {counts.seconds:.0f} s: {counts.outcomes}", flush=True)


if __name__ == "__main__":
    main()
