"""One search: atheris, which follows the branches that code takes, or our own mutator.

The first runs where it can be imported (Linux on x86-64); the second needs nothing. Either says
which one it is, keeps an input that a target fails on, and ends with an error.
"""

import argparse
import functools
import hashlib
import importlib
import importlib.util
import sys
import time
import traceback
from pathlib import Path
from random import Random

from tests.fuzz.dicmh import damaged_bytes
from tests.fuzz.targets import CORPUS, TARGETS

SLOWEST_S = 10
"""An input that takes longer counts as a failure, in processor time [s]."""
_MEMORY_MB = 6144


def search(fuzz, seeds, *, seconds, random, crashes, max_bytes, name):
    """Try mutants of the seeds; returns how many, and the file of the first failure or None.

    Args:
        fuzz: Raises on a failure.
        seeds: Inputs to start from, at least one.
        seconds: How long [s].
        random: Decides; the same state and speed give the same inputs.
        crashes: Folder of the failures.
        max_bytes: Longest input [bytes].
        name: First part of a failure's file name.
    """
    n_tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = random.choice(seeds)
        for _ in range(random.choice((1, 1, 2, 4))):
            data = damaged_bytes(data, random)[:max_bytes]
        try:
            run_one(fuzz, data)
        except Exception:  # noqa: BLE001 (whatever it is, its input is kept)
            traceback.print_exc()
            return n_tried + 1, keep(data, crashes, name)
        n_tried += 1
    return n_tried, None


def run_one(fuzz, data):
    """Give one input to a target, which may take a while, but not for ever."""
    start = time.process_time()
    fuzz(data)
    if time.process_time() - start > SLOWEST_S:
        raise TimeoutError(f"took over {SLOWEST_S} s")


def keep(data, crashes, name):
    """Write an input that a target fails on, under libFuzzer's name for it; returns its path."""
    crashes.mkdir(parents=True, exist_ok=True)
    path = crashes / f"{name}-crash-{hashlib.sha1(data).hexdigest()}"
    path.write_bytes(data)
    return path


def _search_with_atheris(target, arguments):
    import atheris

    with atheris.instrument_imports(
        include=list(target.instrumented), enable_loader_override=False
    ):
        fuzz = target.load()
    for function in target.followed:
        module, _, names = function.partition(":")
        *owners, name = names.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, name, atheris.instrument_func(getattr(owner, name)))

    def keeping(data):
        try:
            run_one(fuzz, data)
        except Exception:
            # Here, since libFuzzer itself loses it where its own timer ends the process.
            keep(data, arguments.crashes, target.name)
            raise

    print(f"{target.name}: atheris, guided by coverage, {arguments.seconds} s", flush=True)
    arguments.crashes.mkdir(parents=True, exist_ok=True)
    found = arguments.found / target.name
    found.mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": arguments.seconds,
        "seed": arguments.seed + 1,  # 0 means a random one to libFuzzer
        "artifact_prefix": f"{arguments.crashes}/{target.name}-",
        "max_len": target.max_bytes,
        "timeout": 10 * SLOWEST_S,
        "rss_limit_mb": _MEMORY_MB,
        "print_final_stats": 1,
        "verbosity": 0,
    }
    words = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *words, str(found), str(CORPUS / target.name)], keeping)
    atheris.Fuzz()  # ends the process


def _search_with_ours(target, arguments):
    print(f"{target.name}: our own mutator, without guidance, {arguments.seconds} s", flush=True)
    fuzz = target.load()
    start = time.monotonic()
    n_tried, failure = search(
        fuzz,
        [path.read_bytes() for path in target.corpus],
        seconds=arguments.seconds,
        random=Random(arguments.seed),
        crashes=arguments.crashes,
        max_bytes=target.max_bytes,
        name=target.name,
    )
    print(f"Done {n_tried} runs in {time.monotonic() - start:.0f} second(s)")
    return 0 if failure is None else 1


def main():
    """Run one search, as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path("results/fuzz/crashes"))
    parser.add_argument("--found", type=Path, default=Path("results/fuzz/found"))
    parser.add_argument("--own", action="store_true", help="our mutator, even beside atheris")
    arguments = parser.parse_args()
    target = TARGETS[arguments.target]
    if importlib.util.find_spec("atheris") is None or arguments.own:
        return _search_with_ours(target, arguments)
    return _search_with_atheris(target, arguments)


if __name__ == "__main__":
    sys.exit(main())
