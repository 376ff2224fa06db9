"""How close a decoded picture is to its photograph, measured once the picture is on the page.

A visitor sees the picture first. The measures take about as long as decoding does, and another
visitor's picture may be decoded before them.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from difficmh_core.evaluation.evaluator import Features
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.shapes import Image01
from difficmh_core.ui.runtime import texts
from difficmh_core.ui.runtime.cache import Entry, key_of
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import Photo, UploadStore
from difficmh_core.vision.boxes import BoxAgreement, boxes_from

LOGGER = logging.getLogger(__name__)
MOST_PX = 1 << 21
"""Largest picture that networks look at unasked [px]: they need more than 1 kB a pixel."""
SHOWN = ("psnr_db", "lpips_alex", "dists")
"""What is told of every result, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """How close a picture is to its photograph.

    Attributes:
        values: Of :data:`SHOWN`, by their keys.
        absent: Why a value is not there, by its key.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def measure_picture(
    service: CodecService, uploads: UploadStore, photo: Photo, picture: str
) -> Measures:
    """Measure a decoded picture; what is known is not measured again.

    Args:
        service: Has the networks that measure, and keeps results.
        uploads: Where the photograph is.
        photo: The photograph.
        picture: Where the decoded picture lies.

    Raises:
        ImageError: If the photograph has been deleted, as all are after a while.
        FileNotFoundError: If the picture has.
    """
    png = Path(picture).read_bytes()
    key = key_of("measures", service.model, photo.digest, hashlib.sha256(png).hexdigest())
    kept = service.results.get(key)
    if kept is not None:
        return Measures(values=kept.facts["values"])
    original, decoded = (to_tensor(each) for each in (uploads.load(photo), read_image(png)))
    if _is_large(original):
        values = {"psnr_db": psnr_db(original, decoded).item()}
        return Measures(values=values, absent={name: texts.LARGE for name in SHOWN[1:]})
    LOGGER.info("Measuring %d x %d px.", original.shape[3], original.shape[2])
    pixels, shown = (Features(pixels=each, answers={}) for each in (original, decoded))
    told = service.evaluator.measure(pixels, shown)
    values = {name: told[name] for name in SHOWN if name in told}
    reasons = service.evaluator.absent
    absent = {
        name: reasons.get(name, texts.SMALL.format(name=metric_of(name).name))
        for name in SHOWN
        if name not in values
    }
    if not absent:  # what is fetched meanwhile counts the next time
        service.keep(key, Entry(data=b"", facts={"values": values}))
    return Measures(values=values, absent=absent)


def boxes_of(
    service: CodecService, uploads: UploadStore, photo: Photo, picture: str
) -> BoxAgreement | None:
    """Compare what a detector finds in both; ``None`` without a detector, or for a large picture.

    Errors as of :func:`measure_picture`.
    """
    png = Path(picture).read_bytes()
    key = key_of("boxes", service.model, photo.digest, hashlib.sha256(png).hexdigest())
    kept = service.results.get(key)
    if kept is not None:
        return boxes_from(kept.facts["boxes"])
    image = uploads.load(photo)
    if image.width * image.height > MOST_PX:
        return None
    LOGGER.info("Measuring boxes on %d x %d px.", *image.size)
    decoded = service.evaluator.features(read_image(png))
    boxes = service.evaluator.boxes(service.features(photo, image), decoded)
    if boxes is not None:  # a detector that is fetched meanwhile counts the next time
        facts = json.loads(json.dumps({"boxes": asdict(boxes)}, default=float))
        service.keep(key, Entry(data=b"", facts=facts))
    return boxes


def _is_large(pixels: Image01) -> bool:
    return pixels.shape[2] * pixels.shape[3] > MOST_PX
