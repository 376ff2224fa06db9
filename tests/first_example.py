"""Make the first result that the page shows: ``python -m tests.first_example``.

The photo and the settings are fixed; what the model of the repository makes of them is written
beside the page, with its numbers.
"""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import preset_of, profile_of
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.image_io import read_image
from difficmh_core.models.load import load_codec
from difficmh_core.models.model_key import model_key
from difficmh_core.ui.compress.first_example import CODED, DECODED, FACTS, FOLDER
from difficmh_core.ui.runtime.measures import SHOWN
from difficmh_core.vision.tasks import DetectionTask

PHOTO = Path(__file__).parents[1] / "examples" / "pasta.jpg"
QUALITY = 50
MOST_BYTES = 100_000
"""Of the decoded picture, which is as good a WebP as fits."""


def write(codec: DiffICMHCodec, photo: Path, folder: Path, cache_dir: Path) -> None:
    """Compress and decode a photo at the default settings, and write what the page shows."""
    profile = codec.config.profile
    image = read_image(photo)
    encoded = codec.encode(image, quality=QUALITY)
    decoded = codec.decode_image(encoded.data, preset_of(profile))
    evaluator = Evaluator(cache_dir, SHOWN, (DetectionTask.key,))
    original, shown = (evaluator.features(each) for each in (image, decoded))
    boxes = evaluator.boxes(original, shown)
    facts: dict[str, Any] = {
        "profile": profile,
        "model": model_key(codec),
        "photo": photo.name,
        "quality": QUALITY,
        "preset": profile_of(profile).default_preset,
        "section_bits": dict(encoded.section_bits),
        "values": {key: evaluator.measure(original, shown)[key] for key in SHOWN},
        "boxes": None if boxes is None else asdict(boxes),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CODED).write_bytes(encoded.data)
    (folder / DECODED).write_bytes(_webp(decoded))
    text = json.dumps(facts, indent=1, default=float)
    (folder / FACTS).write_text(f"{text}\n", encoding="utf-8")


def _webp(image: Image.Image) -> bytes:
    for quality in range(98, 50, -2):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            return buffer.getvalue()
    raise ValueError(f"the picture does not fit into {MOST_BYTES} bytes")


if __name__ == "__main__":
    write(load_codec("nano"), PHOTO, FOLDER, cache_folder())
