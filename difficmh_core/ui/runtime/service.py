"""The codec as all visitors share it: it tags, encodes, decodes and measures, and keeps results.

Nothing here belongs to a visitor; their pictures and files are handed in and out.
"""

import io
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.parts import result_of
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.comparison import COLOR_METRICS, DEFAULT_METRICS
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.config.stages import Load, encoding_load
from difficmh_core.encoding import Encoded
from difficmh_core.evaluation.evaluator import Evaluator, Features
from difficmh_core.image_io import read_image
from difficmh_core.latent_optimization import (
    LatentOptimizer,
    OptimizationStep,
    file_of,
)
from difficmh_core.models.model_key import model_key
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.runtime.cache import Entry, ResultCache, key_of
from difficmh_core.ui.runtime.pace import LearnedPace, Working
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.served_files import ServedFiles, address_of
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.ui.runtime.worker import on_model_thread
from difficmh_core.vision.tasks import DetectionTask
from difficmh_core.vision.text import TextReading

LOGGER = logging.getLogger(__name__)
"""Has a line for each piece of work that the networks do; what is kept takes none."""
WARM_UP_PX, WARM_UP_PRESET = 512, "instant"
"""What is coded to learn how fast the machine is."""
PREVIEW_SIDE_PX = 640
"""Previews are an eighth of the picture's size; they are enlarged to at most this [px]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoding:
    """The state of one decoding.

    Attributes:
        index: Steps done, 0 before the first.
        total: Steps in all.
        seconds: Time since the start [s].
        working: How far the work is, between two steps; ``None`` after one.
        preview: A small picture, enlarged; ``None`` before the first step.
        image: The finished picture, ``None`` before the last step.
        png: The same as a file.
        psnr_db: Of the picture against the original [dB]; ``None`` where nobody has measured it.
        was_kept: Whether the picture had been decoded before.
    """

    index: int
    total: int
    seconds: float
    working: Working | None = None
    preview: Image.Image | None = None
    image: Image.Image | None = None
    png: bytes = b""
    psnr_db: float | None = None
    was_kept: bool = False


class CodecService:
    """The codec, with the results that it has computed and the networks that measure them."""

    def __init__(
        self,
        codec: DiffICMHCodec,
        *,
        files: ServedFiles,
        results: ResultCache | None = None,
        keeps_for_good: bool = False,
        weights_dir: Path | None = None,
    ) -> None:
        """Begin with no result but the kept ones.

        Args:
            codec: Loaded and ready.
            files: Where results are served from.
            results: Where results are kept; ``None`` keeps them in memory only.
            keeps_for_good: Whether results go to the cache's folder: for examples only.
            weights_dir: Where fetched weights lie; ``None`` takes the default folder.
        """
        self.codec = codec
        self.results = results or ResultCache()
        self.weights_dir = weights_dir or cache_folder()
        self.pace = LearnedPace()
        self._files = files
        self._keeps_for_good = keeps_for_good
        self._evaluator: Evaluator | None = None
        self._optimizer: LatentOptimizer | None = None
        self._features: tuple[str, Features] | None = None

    @cached_property
    def model(self) -> str:
        """Names the networks in the keys of results."""
        return model_key(self.codec)

    @on_model_thread
    def warm_up(self) -> None:
        """Code a small picture, to learn how fast this machine is before anybody asks."""
        image = Image.radial_gradient("L").resize((WARM_UP_PX, WARM_UP_PX)).convert("RGB")
        load = encoding_load(WARM_UP_PX**2, is_tagged=False)
        encoded = result_of(self.pace.run(self.codec.encode_parts(image, tags=None), load))
        settings = preset_of(self.codec.config.profile, WARM_UP_PRESET)
        forecast = self.pace.forecast(self._load_of(encoded.stream, settings))
        result_of(self.pace.timed(forecast, self.codec.decode_parts(encoded.stream, settings)))
        self.pace.learn(forecast)

    def tag(self, photo: Photo, image: Image.Image) -> tuple[Tag, ...]:
        """Ask the tagger what is in a photograph.

        Raises:
            BackendUnavailableError: If its weights are absent.
        """
        key = key_of("tags", self.model, photo.digest)
        kept = self.results.get(key)
        if kept is not None:
            return _tags_from(kept.facts["tags"])
        LOGGER.info("Tagging %d x %d px.", *image.size)
        tags = tuple(self.codec.tag(image))
        self.keep(key, Entry(data=b"", facts={"tags": [asdict(tag) for tag in tags]}))
        return tags

    def encode(
        self, photo: Photo, image: Image.Image, request: CodingRequest, tags: Sequence[Tag | str]
    ) -> Encoded:
        """Code a photograph; errors as in :meth:`DiffICMHCodec.encode`."""
        states = self.encode_steps(photo, image, request, tags)
        return file_of(state for state in states if isinstance(state, OptimizationStep))

    def encode_steps(
        self, photo: Photo, image: Image.Image, request: CodingRequest, tags: Sequence[Tag | str]
    ) -> Generator[OptimizationStep | Working, None, None]:
        """Yield the state after each iteration of the optimization; the last one holds the file.

        Without optimization, or if the file is kept, there is only the last one; before it, how
        far a long encoding is.
        """
        quality = request.quality if self.codec.config.rate is None else None
        named = [tag if isinstance(tag, str) else asdict(tag) for tag in tags]
        wanted = (quality, request.target_bytes, named, request.iterations)
        key = key_of("encode", self.model, photo.digest, *wanted)
        kept = self.results.get(key)
        if kept is not None:
            encoded = Encoded(
                stream=Bitstream.from_bytes(kept.data),
                data=kept.data,
                tags=_tags_from(kept.facts["tags"]),
                section_bits=kept.facts["section_bits"],
            )
            n = request.iterations
            yield OptimizationStep(index=n, total=n, encoded=encoded)
            return
        LOGGER.info("Encoding %d x %d px, %d iterations.", *image.size, request.iterations)
        asked: dict[str, Any] = {
            "quality": quality,
            "target_bytes": request.target_bytes,
            "tags": tags,
        }
        if request.iterations:
            if self._optimizer is None:
                self._optimizer = LatentOptimizer(self.codec, cache_dir=self.weights_dir)
            steps = self._optimizer.steps(image, iterations=request.iterations, **asked)
        else:
            is_searched = request.target_bytes is not None
            n_pixels = image.width * image.height
            load = encoding_load(n_pixels, is_tagged=False, is_searched=is_searched)
            encoded = yield from self.pace.run(self.codec.encode_parts(image, **asked), load)
            steps = iter([OptimizationStep(index=0, total=0, encoded=encoded)])
        for step in steps:
            if step.encoded is not None:
                facts = {
                    "tags": [asdict(tag) for tag in step.encoded.tags],
                    "section_bits": dict(step.encoded.section_bits),
                }
                self.keep(key, Entry(data=step.encoded.data, facts=facts))
            yield step

    def decode(
        self, stream: Bitstream, settings: DecodeSettings, tags: Sequence[str] | None = None
    ) -> Iterator[Decoding]:
        """Yield the state of decoding, at once and after each step; a kept picture at once.

        Tags steer instead of the file's, if there are any, as in :meth:`DiffICMHCodec.decode`.
        """
        steering = () if tags is None else (list(tags),)
        key = key_of("decode", self.model, stream.to_bytes(), settings, *steering)
        kept = self.results.get(key)
        if kept is not None:
            image = read_image(kept.data)
            yield Decoding(**kept.facts, image=image, png=kept.data, was_kept=True)
            return
        size_px = stream.width_px, stream.height_px
        LOGGER.info("Decoding %d x %d px, %d steps.", *size_px, settings.steps)
        started = time.monotonic()
        done = Decoding(index=0, total=settings.steps, seconds=0.0)
        yield done
        forecast = self.pace.forecast(self._load_of(stream, settings, tags))
        states = self.codec.decode_parts(stream, settings, tags=tags)
        for step in self.pace.timed(forecast, states):
            seconds = time.monotonic() - started
            if isinstance(step, Working):
                yield replace(done, seconds=seconds, working=step)
                continue
            done = Decoding(index=step.index, total=step.total, seconds=seconds)
            if step.image is None:
                yield replace(done, preview=_enlarge(step.preview()))
                continue
            self.pace.learn(forecast)
            png = png_of(step.image)
            facts = {"index": done.index, "total": done.total, "seconds": done.seconds}
            self.keep(key, Entry(data=png, facts=facts))
            yield replace(done, image=step.image, png=png)

    def _load_of(
        self, stream: Bitstream, settings: DecodeSettings, tags: Sequence[str] | None = None
    ) -> Load:
        size_px = stream.height_px, stream.width_px
        has_tags = bool(stream.tag_ids if tags is None else tags)
        return self.codec.decoding_load(size_px, settings, has_tags=has_tags)

    def estimate_s(self, size_px: tuple[int, int], settings: DecodeSettings) -> float:
        """Estimate how long a picture takes on this machine, from its pixels to those decoded [s].

        Args:
            size_px: Its height and width [px].
            settings: How it will be decoded.
        """
        height, width = size_px
        encoding = encoding_load(height * width, is_tagged=True)
        return self.pace.estimate_s(encoding, self.codec.decoding_load(size_px, settings))

    def save(self, data: bytes, name: str) -> str:
        """Write a result where the page serves it from; as :meth:`ServedFiles.save`."""
        return self._files.save(data, name)

    def address_of(self, data: bytes, name: str) -> str:
        """Write a result likewise, and tell where the browser finds it, seen from the page."""
        return address_of(self.save(data, name))

    @property
    def evaluator(self) -> Evaluator:
        """What takes the measures; its networks are loaded when first needed."""
        if self._evaluator is None:
            metrics = (*DEFAULT_METRICS, *COLOR_METRICS)
            tasks = DetectionTask.key, TextReading.key
            self._evaluator = Evaluator(self.weights_dir, metrics, tasks)
        return self._evaluator

    def features(self, photo: Photo, image: Image.Image) -> Features:
        """Look at a photograph as the evaluator does; what it saw in the last one is kept."""
        if self._features is None or self._features[0] != photo.digest:
            self._features = photo.digest, self.evaluator.features(image)
        return self._features[1]

    def keep(self, key: str, entry: Entry) -> None:
        """Keep a result, an example's for good."""
        self.results.put(key, entry, for_good=self._keeps_for_good)


def png_of(image: Image.Image) -> bytes:
    """Write a picture as a PNG, lossless and without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _tags_from(facts: Sequence[dict[str, object]]) -> tuple[Tag, ...]:
    return tuple(Tag(**fact) for fact in facts)  # type: ignore[arg-type]


def _enlarge(preview: Image.Image) -> Image.Image:
    scale = PREVIEW_SIDE_PX / max(preview.size)
    size = (max(1, round(scale * preview.width)), max(1, round(scale * preview.height)))
    return preview.resize(size, Image.Resampling.BICUBIC)
