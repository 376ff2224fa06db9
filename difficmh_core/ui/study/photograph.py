"""The photograph that a visitor experiments on: coded, decoded and measured by the service."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.evaluation.experiments import ExperimentResult, Variant
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import Photo


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


def run_variant(
    service: CodecService, given: StudyInput, variant: Variant
) -> Iterator[Decoding | ExperimentResult]:
    """Yield the state of decoding after each step, then what the variant gave."""
    request = CodingRequest(quality=variant.quality)
    stream = service.encode(given.photo, given.image, request, variant.tags).stream
    for state in service.decode(stream, variant.settings):
        yield state
    assert state.image is not None
    evaluator = service.evaluator
    original = service.features(given.photo, given.image)
    yield ExperimentResult(
        variant=variant,
        image=state.image,
        png=state.png,
        n_bytes=stream.n_bytes,
        bpp=stream.bpp,
        seconds=state.seconds,
        values=evaluator.measure(original, evaluator.features(state.image)),
    )
