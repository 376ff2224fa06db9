"""The process that reads strangers' pictures, which a ``PicturePool`` starts.

It imports the decoders, gives up all else, and answers one picture after the other.
"""

import io
import json
import os
import sys

from difficmh_core.errors import ImageError
from difficmh_core.image_reading import import_decoders
from difficmh_core.picture_pool import messages
from difficmh_core.picture_pool.limits import WorkerLimits, allow_cpu, lock_down
from difficmh_core.picture_pool.reading import read_as_png

MAX_FILE_BYTES = 1 << 30


def main() -> None:
    """Serve until the pool closes the connection."""
    limits = WorkerLimits(**json.loads(sys.argv[1]))
    import_decoders()
    told, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _silence()
    is_filtered = lock_down(limits)
    messages.send(answers, {"is_filtered": is_filtered})
    while _serve(told, answers, limits):
        pass


def _silence() -> None:
    """Let decoders neither read what is asked nor write into the answers or the server's log."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _serve(told: io.BufferedIOBase, answers: io.BufferedIOBase, limits: WorkerLimits) -> bool:
    """Answer one picture; return whether there may be another."""
    try:
        facts, data = messages.receive(told, MAX_FILE_BYTES)
    except EOFError:
        return False
    allow_cpu(limits.cpu_s)
    try:
        picture = read_as_png(data, name=facts["name"], max_pixels=facts["max_pixels"])
    except ImageError as error:
        messages.send(answers, {"refused": str(error)})
    except MemoryError:
        messages.send(answers, {"lacks": "memory"})
        return False  # what is left may lie in pieces
    else:
        known = {
            "size_px": picture.size_px,
            "format_name": picture.format_name,
            "notes": picture.notes,
        }
        messages.send(answers, known, picture.png)
    return True


if __name__ == "__main__":
    main()
