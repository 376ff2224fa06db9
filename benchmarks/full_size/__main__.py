"""The whole program at the full size of ``sd21``, with a checkpoint that is made here.

    python -m benchmarks.full_size INVENTORY WORDS --folder FOLDER [--only NAME ...]

INVENTORY is a JSON file of the published names, shapes and element types; WORDS is a folder with
the tagger's names and thresholds. FOLDER takes up to 40 GB. Each step's result is kept there as
soon as it is known: a run that was ended goes on where it stopped, ``--again`` begins anew. For
each step: seconds, the most memory with and without mapped files, and the disk that FOLDER takes.

Everything but the numbers in the weights is as it will be: the files' names, sizes and format, the
hub's protocol, the commands in processes of their own. Of the rates 2 and 8, since the file of
rate 4 is known by its SHA-256, so that no other passes for it; that, too, is a step.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._machine import this_machine
from benchmarks.full_size.checkpoint import read_inventory
from benchmarks.full_size.measuring import disk_gb
from benchmarks.full_size.setup import ROOT, Setup, StepError, hub_of
from benchmarks.full_size.steps import STEPS

__all__ = ["rehearse"]

SIZES = {"square": (512, 512), "wide": (768, 512), "large": (4000, 3000), "small": (256, 256)}
LIMITS_GB = {"decode square": 9.0, "decode square, bfloat16": 6.0}
"""The most memory of some steps, by their names [GB]."""
_HEAD = ("step", "seconds", "CPU s", "peak GB", "own GB", "disk GB", "", "")


def rehearse(setup: Setup, names: Sequence[str], results: Path) -> bool:
    """Do steps that are not done yet, and keep their results.

    Args:
        setup: What they work with.
        names: Of the steps.
        results: A JSON file of what was done before; also keeps what is done now.

    Returns:
        Whether all of these steps passed, now or before.
    """
    rows = _read(results)
    with hub_of(setup) as hub:
        for name in names:
            if not rows.get(name, {}).get("passed", False):
                row = _row_of(name, setup, hub)
                rows = {**_read(results), name: row}  # another run may have written meanwhile
                results.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
            print(" | ".join(_cells(name, rows[name])), flush=True)
    return all(rows[name]["passed"] for name in names)


def _read(results: Path) -> dict[str, Any]:
    return json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}


def _row_of(name: str, setup: Setup, hub: Any) -> dict[str, Any]:  # noqa: ANN401
    began = time.perf_counter()
    cost, passed = None, True
    try:
        cost, note = STEPS[name](setup, hub)
        limit = setup.limits_gb.get(name)
        if limit is not None and cost is not None and cost.peak_gb > limit:
            passed, note = False, f"{note}; more than {limit:g} GB"
    except (StepError, LookupError, OSError, ValueError) as failure:
        passed, note = False, str(failure) or type(failure).__name__
    return {
        "passed": passed,
        "seconds": cost.seconds if cost else time.perf_counter() - began,
        "cpu_seconds": cost.cpu_seconds if cost else None,
        "peak_gb": cost.peak_gb if cost else None,
        "own_gb": cost.own_gb if cost else None,
        "disk_gb": disk_gb(setup.folder),
        "note": note.replace(str(setup.folder), "FOLDER"),
    }


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    numbers = [row.get("cpu_seconds"), row["peak_gb"], row["own_gb"], row["disk_gb"]]
    return [
        name,
        f"{row['seconds']:.1f}",
        *("" if number is None else f"{number:.2f}" for number in numbers),
        "passed" if row["passed"] else "FAILED",
        row["note"],
    ]


def main() -> int:
    """Rehearse, and say in one line whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inventory", type=Path)
    parser.add_argument("words", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--again", action="store_true", help="do the named steps anew")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = arguments.folder / "results.json"
    if arguments.again:
        kept = {k: row for k, row in _read(results).items() if k not in arguments.only}
        results.write_text(json.dumps(kept), encoding="utf-8")
    setup = Setup(
        folder=arguments.folder.resolve(),
        inventory=read_inventory(arguments.inventory),
        words=arguments.words.resolve(),
        program=[sys.executable, "-m", "difficmh_core"],
        page=[sys.executable, str(ROOT / "app.py")],
        sizes=SIZES,
        limits_gb=LIMITS_GB,
    )
    print(" | ".join(_HEAD))
    passed = rehearse(setup, arguments.only, results)
    rows = _read(results)
    if arguments.out:
        report = {
            "steps": {name: rows[name] for name in STEPS if name in rows},
            "not_run": [name for name in STEPS if name not in rows],
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "machine": this_machine(),
        }
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    n_passed = sum(row["passed"] for row in rows.values())
    word = "PASS" if passed and n_passed == len(STEPS) else "FAIL"
    print(f"{word}: {n_passed} of {len(STEPS)} steps passed, {len(STEPS) - len(rows)} not run.")
    return 0 if word == "PASS" else 1


if __name__ == "__main__":
    sys.exit(main())
