"""Write the golden files of the packaged model."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.models.load import load_codec

FOLDER = Path(__file__).parent
CASES = (
    ("small", (64, 64), 20.0, ()),
    ("odd", (91, 147), 60.0, ("tabby", "person")),
    ("fine", (200, 130), 100.0, ("volcano",)),
)
"""Name, (height, width), quality and tags of each file."""


def synthetic_photo(height: int, width: int) -> Image.Image:
    """Return a picture of waves, the same on every machine: integers all the way."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [
        (x * (3 + c) + y * (5 - c)) % 256 // 2 + ((x // 16 + y // 16 + c) % 2) * 90
        for c in range(3)
    ]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def digest_of(codec: DiffICMHCodec, data: bytes) -> str:
    """Return the SHA-256 of a file's decoded integers, exact multiples of the mean grid."""
    stream = codec.parse(data)
    latents = codec.networks.latent_codec.decode_symbols(
        stream.latent, stream.quality_level, stream.padded_size_px
    )
    grid = 2.0**codec.config.latent_codec.mean_grid_bits
    steps = torch.round(latents.y_hat * grid).long()
    return hashlib.sha256(steps.cpu().numpy().astype("<i8").tobytes()).hexdigest()


def main() -> None:
    """Write every file, and what is in it."""
    codec = load_codec("nano")
    facts = {}
    for name, (height, width), quality, tags in CASES:
        encoded = codec.encode(synthetic_photo(height, width), quality=quality, tags=tags)
        (FOLDER / f"{name}.dicmh").write_bytes(encoded.data)
        facts[name] = {
            "height_px": height,
            "width_px": width,
            "quality_level": encoded.stream.quality_level,
            "tags": sorted(tags),
            "n_bytes": len(encoded.data),
            "integers_sha256": digest_of(codec, encoded.data),
        }
    content = {"fingerprint": codec.fingerprint.hex(), "files": facts}
    (FOLDER / "golden.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
