"""The photograph that a visitor experiments on: coded, decoded and measured by the service."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.evaluation.experiments import ExperimentResult, Variant
from difficmh_core.evaluation.photo_study import run_variant
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.text import TextReading

_NOT_ASKED = (TextReading.key,)
"""Reading text takes longer than decoding in one step."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyInput:
    """What is studied.

    Attributes:
        photo: The photograph, as a visitor brought it.
        image: Its pixels.
        encoded: Its file.
        settings: How it is decoded, but for what an experiment changes.
    """

    photo: Photo
    image: Image.Image
    encoded: Encoded
    settings: DecodeSettings


def run_by_service(
    service: CodecService, given: StudyInput, variant: Variant
) -> Iterator[Decoding | ExperimentResult]:
    """Yield what :func:`run_variant` does; files and pictures may be kept ones."""

    def encode(variant: Variant) -> Bitstream:
        request = CodingRequest(quality=variant.quality)
        return service.encode(given.photo, given.image, request, variant.tags).stream

    def measure(image: Image.Image) -> Mapping[str, float]:
        original = service.features(given.photo, given.image)
        evaluator = service.evaluator
        return evaluator.measure(original, evaluator.features(image, without=_NOT_ASKED))

    return run_variant(variant, encode, service.decode, measure)
