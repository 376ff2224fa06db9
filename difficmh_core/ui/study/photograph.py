"""The photograph that a visitor experiments on: coded, decoded and measured by the service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import Encoded
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.evaluation.experiments import ExperimentInput
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import Photo

__all__ = ["ServedCoder", "StudyInput"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyInput(ExperimentInput):
    """What is studied.

    Attributes:
        photo: The photograph, as a visitor brought it.
    """

    photo: Photo


class ServedCoder:
    """A photograph with the service that codes, decodes and measures it, and keeps results."""

    def __init__(self, service: CodecService, given: StudyInput) -> None:
        """Take both."""
        self._service, self._given = service, given

    def encode(self, quality: float, tags: Sequence[Tag]) -> Encoded:
        """Code the photograph at a quality with these tags."""
        request = CodingRequest(quality=quality, target_bytes=None, send_tags=True, tags=())
        return self._service.encode(self._given.photo, self._given.image, request, tags)

    def decode(self, stream: Bitstream, settings: DecodeSettings) -> Iterator[Decoding]:
        """Yield the state of decoding after each step."""
        return self._service.decode(stream, settings)

    def measure(self, decoded: Image.Image) -> Mapping[str, float]:
        """Return every measure of a decoded picture."""
        original = self._service.features(self._given.photo, self._given.image)
        evaluator = self._service.evaluator
        return evaluator.measure(original, evaluator.features(decoded))
