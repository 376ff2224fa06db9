"""Code a photograph, write the file, and decode it with a preview of every step.

python examples/encode_and_decode.py examples/cat.png cat.dicmh cat-decoded.png
"""

import sys
from pathlib import Path

from difficmh_core import load_codec, read_image, write_png


def main(photo: str, file: str, picture: str) -> None:
    """Code ``photo`` to ``file``, and decode that to ``picture``."""
    codec = load_codec("nano")
    encoded = codec.encode(read_image(photo), quality=50.0)
    Path(file).write_bytes(encoded.data)
    print(f"{len(encoded.data)} bytes, {encoded.stream.bpp:.4f} bpp")
    for tag in encoded.tags:
        print(f"  {tag.name} ({tag.confidence:.0%})")
    for step in codec.decode(Path(file).read_bytes()):
        print(f"step {step.index} of {step.total}", end="\r")
        if step.image is not None:
            write_png(step.image, picture)


if __name__ == "__main__":
    main(*sys.argv[1:4])
