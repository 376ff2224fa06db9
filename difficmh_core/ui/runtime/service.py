"""What all visitors share: the codec, the limits, the folder that is served, kept results.

Nothing here belongs to a visitor; their pictures and files are handed in and out.
"""

import hashlib
import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.codec import DiffICMHCodec, Encoded
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.errors import ImageError
from difficmh_core.evaluation.evaluator import Judge, Seen
from difficmh_core.image_io import read_image
from difficmh_core.latent_optimization import RefinementSettings, Refiner, RefineStep, file_of
from difficmh_core.models.fingerprint import model_key
from difficmh_core.picture_pool import PngPicture, read_as_png
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui import texts
from difficmh_core.ui.runtime.cache import Entry, ResultCache, key_of
from difficmh_core.ui.runtime.served_files import ForeignFileError, ServedFiles
from difficmh_core.ui.runtime.session import CodingWish, Decoding, Photo
from difficmh_core.vision.tasks import DetectionTask
from difficmh_core.weights.cache import default_cache_dir

__all__ = ["PictureReader", "Workshop", "png_of"]

PictureReader = Callable[..., PngPicture]
"""As :func:`~difficmh_core.picture_pool.read_as_png`."""

PREVIEW_SIDE_PX = 640
"""Previews are an eighth of the picture's size; they are enlarged to at most this [px]."""
MAX_RECEIVED = 256
"""Uploads that are remembered, in case two visitors bring the same at once."""


class Workshop:
    """The codec with everything that the page needs around it."""

    def __init__(
        self,
        codec: DiffICMHCodec,
        *,
        max_pixels: int,
        files: ServedFiles,
        read: PictureReader = read_as_png,
        results: ResultCache | None = None,
        keeps_for_good: bool = False,
        weights_dir: Path | None = None,
    ) -> None:
        """Take what all visitors share.

        Args:
            codec: Loaded and ready.
            max_pixels: Largest picture that the page takes [px].
            files: What visitors sent, and what is made for them.
            read: Reads their pictures; in public that of a :class:`PicturePool`.
            results: Where results are kept; ``None`` keeps them in memory only.
            keeps_for_good: Whether results go to the cache's folder: for examples only.
            weights_dir: Where fetched weights lie; ``None`` takes the default folder.
        """
        self.codec = codec
        self.results = results or ResultCache()
        self.files = files
        self.model = model_key(codec)
        self.weights_dir = weights_dir or default_cache_dir()
        self._judge: Judge | None = None
        self._refiner: Refiner | None = None
        self._seen: tuple[str, Seen] | None = None
        self._max_pixels = max_pixels
        self._read = read
        self._keeps_for_good = keeps_for_good
        self._received: OrderedDict[str, Photo] = OrderedDict()
        files.read = self._received
        self._lock = threading.Lock()

    def receive(self, named: object) -> Photo:
        """Take an upload: strip its metadata, keep the picture, delete the upload itself.

        Args:
            named: The upload, as a caller names it.

        Raises:
            ForeignFileError: If it is no upload, or has been deleted.
            ImageError: If it is no picture, or too large.
        """
        path = self.files.path_of(named)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:  # two visitors may bring the same at once
            with self._lock:
                known = self._received.get(str(path))
            if known is None or not Path(known.path).is_file():
                raise ForeignFileError from error
            return known
        read = self._read(data, name=path.name, max_pixels=self._max_pixels)
        photo = Photo(
            path=self.files.save(read.png, f"{path.stem}.png"),
            digest=hashlib.sha256(read.png).hexdigest(),
            name=path.stem,
            upload_bytes=len(data),
            upload_format=read.format_name,
            notes=read.notes,
        )
        with self._lock:
            self._received[str(path)] = photo
            while len(self._received) > MAX_RECEIVED:
                self._received.popitem(last=False)
        self.files.delete_upload(path)
        return photo

    def load(self, photo: Photo) -> Image.Image:
        """Return a visitor's photograph.

        Raises:
            ImageError: If it has been deleted, as all are after a while.
        """
        if not Path(photo.path).is_file():
            raise ImageError(texts.PHOTO_EXPIRED)
        return read_image(photo.path, max_pixels=self._max_pixels)

    def open_file(self, named: object) -> tuple[bytes, Bitstream]:
        """Return a file's bytes and what its header says.

        Args:
            named: The file, as a caller names it.

        Raises:
            ForeignFileError: If it is no upload or result, or has been deleted.
            BitstreamError: If it is damaged or not ours.
            ImageError: If it announces a picture that is too large.
        """
        try:
            data = self.files.path_of(named).read_bytes()
        except FileNotFoundError as error:
            raise ForeignFileError from error
        return data, Bitstream.from_bytes(data, limits=Limits(max_pixels=self._max_pixels))

    def tag(self, photo: Photo, image: Image.Image) -> tuple[Tag, ...]:
        """Return what the tagger sees.

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
        self, photo: Photo, image: Image.Image, wish: CodingWish, tags: Sequence[Tag | str]
    ) -> Encoded:
        """Code a photograph; errors as in :meth:`DiffICMHCodec.encode`."""
        return file_of(self.encode_steps(photo, image, wish, tags))

    def encode_steps(
        self, photo: Photo, image: Image.Image, wish: CodingWish, tags: Sequence[Tag | str]
    ) -> Iterator[RefineStep]:
        """Yield the state after each pass of refinement; the last one holds the file.

        Without refinement, or if the file is kept, there is only the last one.
        """
        quality = wish.quality if self.codec.config.rate is None else None
        named = [tag if isinstance(tag, str) else asdict(tag) for tag in tags]
        key = key_of(
            "encode", self.model, photo.digest, quality, wish.target_bytes, named, wish.passes
        )
        kept = self.results.get(key)
        if kept is not None:
            encoded = Encoded(
                stream=Bitstream.from_bytes(kept.data),
                data=kept.data,
                tags=_tags_from(kept.facts["tags"]),
                section_bits=kept.facts["section_bits"],
            )
            yield RefineStep(index=wish.passes, total=wish.passes, encoded=encoded)
            return
        asked: dict[str, Any] = {
            "quality": quality,
            "target_bytes": wish.target_bytes,
            "tags": tags,
        }
        if wish.passes:
            steps = self._refiner_of(wish.passes).steps(image, **asked)
        else:
            steps = iter([RefineStep(index=0, total=0, encoded=self.codec.encode(image, **asked))])
        for step in steps:
            if step.encoded is not None:
                facts = {
                    "tags": [asdict(tag) for tag in step.encoded.tags],
                    "section_bits": dict(step.encoded.section_bits),
                }
                self.keep(key, Entry(data=step.encoded.data, facts=facts))
            yield step

    def _refiner_of(self, passes: int) -> Refiner:
        """Return what refines; its networks are loaded when first needed."""
        settings = RefinementSettings(passes=passes)
        if self._refiner is None:
            self._refiner = Refiner(self.codec, settings, cache_dir=self.weights_dir)
        self._refiner.settings = settings
        return self._refiner

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
            state = {"index": step.index, "total": step.total}
            seconds = time.monotonic() - started
            if step.image is None:
                preview = _enlarge(step.preview())
                yield Decoding(**state, seconds=seconds, preview=preview)
                continue
            png = png_of(step.image)
            self.keep(key, Entry(data=png, facts=state | {"seconds": seconds}))
            yield Decoding(**state, seconds=seconds, image=step.image, png=png)

    def save_preview(self, preview: Image.Image) -> str:
        """Write a preview where the page serves it from, and return its path.

        Gradio would write it, too, but could not say that the disk is full.
        """
        return self.files.save(png_of(preview), "preview.png")

    @property
    def judge(self) -> Judge:
        """What takes the measures; its networks are loaded when first needed."""
        if self._judge is None:
            self._judge = Judge(self.weights_dir, tasks=(DetectionTask.key,))
        return self._judge

    def seen(self, photo: Photo, image: Image.Image) -> Seen:
        """Return what the judge sees in a photograph; the last one's is kept."""
        if self._seen is None or self._seen[0] != photo.digest:
            self._seen = photo.digest, self.judge.look_at(image)
        return self._seen[1]

    def keep(self, key: str, entry: Entry) -> None:
        """Keep a result, an example's for good."""
        self.results.put(key, entry, for_good=self._keeps_for_good)


def png_of(image: Image.Image) -> bytes:
    """Return a picture as a PNG, lossless and without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _tags_from(facts: Sequence[dict[str, object]]) -> tuple[Tag, ...]:
    return tuple(Tag(**fact) for fact in facts)  # type: ignore[arg-type]


def _enlarge(preview: Image.Image) -> Image.Image:
    scale = PREVIEW_SIDE_PX / max(preview.size)
    size = (max(1, round(scale * preview.width)), max(1, round(scale * preview.height)))
    return preview.resize(size, Image.Resampling.BICUBIC)
