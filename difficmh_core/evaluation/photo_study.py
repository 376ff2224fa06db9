"""One photograph, coded, decoded and measured in the way that each variant says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Protocol, TypeVar

from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Analyzed, level_of
from difficmh_core.errors import BackendUnavailableError
from difficmh_core.evaluation.evaluator import Evaluator, Features
from difficmh_core.evaluation.experiments import ExperimentResult, Variant
from difficmh_core.image_writing import picture_bytes


class DecodingState(Protocol):
    """What is known of a decoding after one of its steps.

    Attributes:
        seconds: Time since the start [s].
        image: The finished picture, ``None`` before the last step.
        png: The same as a file.
    """

    @property
    def seconds(self) -> float: ...  # noqa: D102 (see above)
    @property
    def image(self) -> Image.Image | None: ...  # noqa: D102
    @property
    def png(self) -> bytes: ...  # noqa: D102


StateT = TypeVar("StateT", bound=DecodingState)


def run_variant(
    variant: Variant,
    encode: Callable[[Variant], Bitstream],
    decode: Callable[[Bitstream, DecodeSettings], Iterator[StateT]],
    measure: Callable[[Image.Image], Mapping[str, float]],
) -> Iterator[StateT | ExperimentResult]:
    """Yield the state of decoding after each step, then what the variant gave.

    Args:
        variant: One way to code and decode the photograph.
        encode: Returns the photograph's file.
        decode: Yields the states of decoding a file; the last holds the picture.
        measure: Returns every metric of a decoded picture, by its key.

    Raises:
        BackendUnavailableError: If decoding ended without a picture.
    """
    stream, last = encode(variant), None
    for last in decode(stream, variant.settings):
        yield last
    if last is None or last.image is None:
        raise BackendUnavailableError("The sampler ended before its last step.")
    yield ExperimentResult(
        variant=variant,
        image=last.image,
        png=last.png,
        n_bytes=stream.n_bytes,
        bpp=stream.bpp,
        seconds=last.seconds,
        values=measure(last.image),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Finished:
    seconds: float
    image: Image.Image
    png: bytes


@dataclass(frozen=True, eq=False)
class PhotoStudy:
    """One photograph, on which variants are tried.

    Attributes:
        image: RGB picture.
        codec: Loaded and ready.
        evaluator: Takes the metrics.
    """

    image: Image.Image
    codec: DiffICMHCodec
    evaluator: Evaluator

    @cached_property
    def _original(self) -> Features:
        return self.evaluator.features(self.image)

    @cached_property
    def _analyzed(self) -> Analyzed:
        return self.codec.analyze(self.image)

    def results(self, variants: Sequence[Variant]) -> Iterator[ExperimentResult]:
        """Yield what each variant gave."""
        for variant in variants:
            for state in run_variant(variant, self._encode, self._decode, self._measure):
                if isinstance(state, ExperimentResult):
                    yield state

    def _encode(self, variant: Variant) -> Bitstream:
        rate = self.codec.config.rate
        level = level_of(variant.quality if rate is None else None, rate)
        at_level = self.codec.coder(self.image, tags=variant.tags, analyzed=self._analyzed)
        return at_level(level).stream

    def _decode(self, stream: Bitstream, settings: DecodeSettings) -> Iterator[_Finished]:
        began = perf_counter()
        image = self.codec.decode_image(stream, settings)
        seconds = perf_counter() - began
        yield _Finished(seconds=seconds, image=image, png=picture_bytes(image, ".png"))

    def _measure(self, image: Image.Image) -> Mapping[str, float]:
        return self.evaluator.measure(self._original, self.evaluator.features(image))
