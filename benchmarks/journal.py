"""How long a run takes to see that nothing is left to do, and how much memory it holds for that.

    python -m benchmarks.journal [--n 1000000] [--out benchmarks/results/journal.json]

The records of finished files are written as runs write them, to a folder. A new process reads
them, and looks up each of as many inputs. What storage takes to list its files is not measured.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import check_system
from benchmarks._machine import this_machine
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target

_SETTINGS = {"kind": "encode", "quality": 50, "fingerprint": "0" * 8}
_N_BYTES = 1234


def _sources(n: int) -> Iterator[tuple[str, Source]]:
    """Photographs on storage, by the names of their outputs."""
    for number in range(n):
        name = f"{number // 1000:04d}/photo-{number:07d}.jpg"
        source = Source(
            name=name, address=f"s3://bucket/photos/{name}", version=f"etag {number:032x}"
        )
        yield f"{name.removesuffix('.jpg')}.dicmh", source


def write(folder: Path, n: int) -> None:
    """Write the records of one finished run, with all that an encoder notes of a photograph."""
    journal = Journal(Target(str(folder)), _SETTINGS)
    journal.begin([name for name, _ in _sources(n)])
    for name, source in _sources(n):
        journal.add(
            {
                "name": name,
                "source": source.identity,
                "source_version": source.version,
                "n_bytes": _N_BYTES,
                "height_px": 1024,
                "width_px": 1024,
                "bpp": 0.0094,
                "quality": 50.0,
                "tags": ["tabby", "sofa", "remote control"],
                "checksum": "0123abcd",
                "notes": [],
                "seconds": 0.123,
            }
        )
    journal.close()


def resume(folder: Path, n: int) -> dict[str, Any]:
    """Read the records and look up every input.

    Returns:
        The seconds of both, and the most memory that the process held, inputs included [MiB].
    """
    sources = dict(_sources(n))
    began = time.perf_counter()
    journal = Journal(Target(str(folder)), _SETTINGS)
    n_done = sum(journal.is_done(name, source, _N_BYTES) for name, source in sources.items())
    seconds = time.perf_counter() - began
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {"n": n, "n_done": n_done, "seconds": seconds, "memory_peak_mib": peak_mib}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    check_system(parser)
    # Each in a process of its own, so that one's memory is not counted as the other's.
    alone = ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    )
    with tempfile.TemporaryDirectory() as folder, alone:
        alone.submit(write, Path(folder), arguments.n).result()
        report = alone.submit(resume, Path(folder), arguments.n).result()
    report["machine"] = this_machine()
    told = json.dumps(report, indent=1) + "\n"
    sys.stdout.write(told)
    if arguments.out:
        arguments.out.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
