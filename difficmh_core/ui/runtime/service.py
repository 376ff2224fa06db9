"""The codec as all visitors share it: it tags, encodes, decodes and measures, and keeps results.

Nothing here belongs to a visitor; their pictures and files are handed in and out.
"""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.comparison import COLOR_METRICS, DEFAULT_METRICS
from difficmh_core.config.decoding import DecodeSettings
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
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.served_files import ServedFiles, address_of
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.tasks import DetectionTask
from difficmh_core.vision.text import TextReading

PREVIEW_SIDE_PX = 640
"""Previews are an eighth of the picture's size; they are enlarged to at most this [px]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoding:
    """The state of one decoding.

    Attributes:
        index: Steps done, 0 before the first.
        total: Steps in all.
        seconds: Time since the start [s].
        preview: A small picture, enlarged; ``None`` before the first step.
        image: The finished picture, ``None`` before the last step.
        png: The same as a file.
        psnr_db: Of the picture against the original [dB]; ``None`` where nobody has measured it.
        was_kept: Whether the picture had been decoded before.
    """

    index: int
    total: int
    seconds: float
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
        self.model = model_key(codec)
        """Names the networks in the keys of results."""
        self.results = results or ResultCache()
        self.weights_dir = weights_dir or cache_folder()
        self._files = files
        self._keeps_for_good = keeps_for_good
        self._evaluator: Evaluator | None = None
        self._optimizer: LatentOptimizer | None = None
        self._features: tuple[str, Features] | None = None

    def tag(self, photo: Photo, image: Image.Image) -> tuple[Tag, ...]:
        """Ask the tagger what is in a photograph.

        Raises:
            BackendUnavailableError: If its weights are absent.
        """
        key = key_of("tags", self.model, photo.digest)
        kept = self.results.get(key)
        if kept is not None:
            return _tags_from(kept.facts["tags"])
        tags = tuple(self.codec.tag(image))
        self.keep(key, Entry(data=b"", facts={"tags": [asdict(tag) for tag in tags]}))
        return tags

    def encode(
        self, photo: Photo, image: Image.Image, request: CodingRequest, tags: Sequence[Tag | str]
    ) -> Encoded:
        """Code a photograph; errors as in :meth:`DiffICMHCodec.encode`."""
        return file_of(self.encode_steps(photo, image, request, tags))

    def encode_steps(
        self, photo: Photo, image: Image.Image, request: CodingRequest, tags: Sequence[Tag | str]
    ) -> Iterator[OptimizationStep]:
        """Yield the state after each iteration of the optimization; the last one holds the file.

        Without optimization, or if the file is kept, there is only the last one.
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
            encoded = self.codec.encode(image, **asked)
            steps = iter([OptimizationStep(index=0, total=0, encoded=encoded)])
        for step in steps:
            if step.encoded is not None:
                facts = {
                    "tags": [asdict(tag) for tag in step.encoded.tags],
                    "section_bits": dict(step.encoded.section_bits),
                }
                self.keep(key, Entry(data=step.encoded.data, facts=facts))
            yield step

    def decode(self, stream: Bitstream, settings: DecodeSettings) -> Iterator[Decoding]:
        """Yield the state of decoding, at once and after each step; a kept picture at once."""
        key = key_of("decode", self.model, stream.to_bytes(), settings)
        kept = self.results.get(key)
        if kept is not None:
            image = read_image(kept.data)
            yield Decoding(**kept.facts, image=image, png=kept.data, was_kept=True)
            return
        started = time.monotonic()
        yield Decoding(index=0, total=settings.steps, seconds=0.0)
        for step in self.codec.decode(stream, settings):
            done = Decoding(index=step.index, total=step.total, seconds=time.monotonic() - started)
            if step.image is None:
                yield replace(done, preview=_enlarge(step.preview()))
                continue
            png = png_of(step.image)
            facts = {"index": done.index, "total": done.total, "seconds": done.seconds}
            self.keep(key, Entry(data=png, facts=facts))
            yield replace(done, image=step.image, png=png)

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
