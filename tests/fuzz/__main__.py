"""Fuzz one target, or all in turn, and say how to replay what was found.

    python -m tests.fuzz [TARGET] [--seconds 60] [--seed 0] [--own]
    python -m tests.fuzz TARGET --replay FILE

Inputs that fail are kept in results/fuzz/crashes.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

_CRASHES = Path("results/fuzz/crashes")


def run(name, seconds, arguments):
    """Search in a process of its own, which may crash; return whether nothing was found."""
    words = ["--seconds", seconds, "--seed", arguments.seed]
    words += ["--crashes", arguments.crashes, *(["--own"] if arguments.own else [])]
    before = set(arguments.crashes.glob(f"{name}-*"))
    command = [sys.executable, "-m", "tests.fuzz.engine", name, *map(str, words)]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        return True
    print(f"{name}: the search ended with {code}.", flush=True)
    for path in sorted(set(arguments.crashes.glob(f"{name}-*")) - before):
        print(f"Replay it with: python -m tests.fuzz {name} --replay {path}", flush=True)
    return False


def main():
    """Read the command line, search or replay."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", nargs="?", default="all", choices=["all", *TARGETS])
    parser.add_argument("--seconds", type=int, default=60, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=_CRASHES, help="folder of failures")
    parser.add_argument("--own", action="store_true", help="our mutator, even beside atheris")
    parser.add_argument("--replay", type=Path, help="read this one file")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        if arguments.target == "all":
            parser.error("--replay needs the target that the file belongs to")
        TARGETS[arguments.target].load()(arguments.replay.read_bytes())
        print("Read or refused as it should be.")
        return 0
    names = list(TARGETS) if arguments.target == "all" else [arguments.target]
    seconds = max(1, arguments.seconds // len(names))
    return 0 if all([run(name, seconds, arguments) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
