"""Damaged variants of good files; ``python -m tests.mutants FILE N`` reads N of them.

A decoder may end the whole process on one of them, so that tests run this in another process. It
prints each seed before it reads that mutant: the last line names the one that did it.
"""

import sys
import time
from pathlib import Path

import numpy as np

from difficmh_core.errors import ImageError
from difficmh_core.image_reading import read_picture

MOST_S = 10.0
"""CPU time that any mutant may take."""


def mutant(data, seed):
    """One variant: some bytes changed, numbers altered, pieces copied, cut out, or the end cut."""
    generator = np.random.default_rng(seed)
    changed = bytearray(data)
    # Headers are short and matter most: every other change hits the first 512 bytes.
    for _ in range(int(generator.integers(1, 6))):
        reach = len(changed) if generator.random() < 0.5 else min(512, len(changed))
        at = int(generator.integers(0, max(1, reach)))
        kind = generator.integers(0, 6)
        n_bytes = int(generator.integers(1, 64))
        if kind == 0:
            changed[at : at + 1] = bytes([int(generator.integers(0, 256))])
        elif kind == 1 and at < len(changed):
            changed[at] ^= 1 << int(generator.integers(0, 8))
        elif kind == 2:
            extremes = (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\xff\xff", b"\0\1\0\0")
            changed[at : at + 4] = extremes[generator.integers(0, len(extremes))]
        elif kind == 3:
            source = int(generator.integers(0, max(1, len(changed))))
            changed[at : at + n_bytes] = changed[source : source + n_bytes]
        elif kind == 4:
            del changed[at : at + n_bytes]
        elif len(changed) > 64 and generator.random() < 0.3:
            del changed[int(generator.integers(16, len(changed))) :]
    return bytes(changed)


def main(path, n_mutants, first=0):
    """Read mutants; end with an error if anything but a picture or an ``ImageError`` comes."""
    data = Path(path).read_bytes()
    counts = {"read": 0, "refused": 0}
    for seed in range(first, first + n_mutants):
        sys.stdout.write(f"{seed}\n")
        sys.stdout.flush()
        started = time.process_time()
        try:
            picture = read_picture(mutant(data, seed), max_pixels=16_000_000)
            assert picture.image.mode == "RGB"
            counts["read"] += 1
        except ImageError:
            counts["refused"] += 1
        seconds = time.process_time() - started
        assert seconds < MOST_S, f"seed {seed} took {seconds:.1f} s"
    sys.stdout.write(f"{counts['read']} read, {counts['refused']} refused\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:]))
