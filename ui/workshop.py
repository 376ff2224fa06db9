"""What all visitors share: the codec, the limits, the folder that is served, kept results.

Nothing here belongs to a visitor; their pictures and files are handed in and out.
"""

import hashlib
import io
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.codec import DiffICMHCodec, Encoded
from difficmh_core.config import DecodeSettings
from difficmh_core.errors import ImageError
from difficmh_core.evaluation.judge import Judge, Seen
from difficmh_core.files import write_whole
from difficmh_core.image_io import read_image
from difficmh_core.image_reading import read_picture
from difficmh_core.model_key import model_key
from difficmh_core.refinement import RefinementSettings, Refiner, RefineStep, file_of
from difficmh_core.tagging.tags import Tag
from difficmh_core.vision.tasks import DetectionTask
from difficmh_core.weights.cache import default_cache_dir
from ui import texts
from ui.result_cache import Entry, ResultCache, key_of
from ui.session import CodingWish, Decoding, Photo

__all__ = ["Workshop", "png_of", "read_photo"]

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
        cache_dir: str,
        results: ResultCache | None = None,
        keeps_for_good: bool = False,
        weights_dir: Path | None = None,
        uploads: Container[str] = (),
    ) -> None:
        """Take what all visitors share.

        Args:
            codec: Loaded and ready.
            max_pixels: Largest picture that the page takes [px].
            cache_dir: Folder from which Gradio serves files.
            results: Where results are kept; ``None`` keeps them in memory only.
            keeps_for_good: Whether results go to the cache's folder: for examples only.
            weights_dir: Where fetched weights lie; ``None`` takes the default folder.
            uploads: Paths of what visitors brought, which may be deleted once it is read.
        """
        self.codec = codec
        self.results = results or ResultCache()
        self.files = set[str]()
        """What was saved for visitors; Gradio deletes it on its schedule."""
        self.model = model_key(codec)
        self.weights_dir = weights_dir or default_cache_dir()
        self._judge: Judge | None = None
        self._refiner: Refiner | None = None
        self._seen: tuple[str, Seen] | None = None
        self._uploads = uploads
        self.kept: Container[str] = ()
        """The page's own examples. Gradio files by content: an upload may be one of them."""
        self._max_pixels = max_pixels
        self._cache_dir = Path(cache_dir).resolve()
        self._keeps_for_good = keeps_for_good
        self._received: OrderedDict[str, Photo] = OrderedDict()
        self._lock = threading.Lock()

    def receive(self, upload: Path) -> Photo:
        """Take an upload: strip its metadata, keep the picture, delete the upload itself.

        Raises:
            ImageError: If it is no picture, or too large.
        """
        with self._lock:
            if not upload.is_file() and str(upload) in self._received:
                photo = self._received[str(upload)]
                if Path(photo.path).is_file():
                    return photo
            photo, png = read_photo(upload, self._max_pixels)
            photo = replace(photo, path=self.save(png, f"{photo.name}.png"))
            is_ours = str(upload) == photo.path or str(upload) in self.kept
            if str(upload) in self._uploads and not is_ours:
                upload.unlink(missing_ok=True)
            self._received[str(upload)] = photo
            while len(self._received) > MAX_RECEIVED:
                self._received.popitem(last=False)
        return photo

    def load(self, photo: Photo) -> Image.Image:
        """Return a visitor's photograph.

        Raises:
            ImageError: If it has been deleted, as all are after a while.
        """
        if not Path(photo.path).is_file():
            raise ImageError(texts.PHOTO_EXPIRED)
        return read_image(photo.path, max_pixels=self._max_pixels)

    def open_file(self, path: Path) -> tuple[bytes, Bitstream]:
        """Return a file's bytes and what its header says.

        Raises:
            BitstreamError: If it is damaged or not ours.
            ImageError: If it announces a picture that is too large.
        """
        data = path.read_bytes()
        return data, Bitstream.from_bytes(data, limits=Limits(max_pixels=self._max_pixels))

    def save(self, data: bytes, name: str) -> str:
        """Write a file where the page serves it from, and return its path."""
        path = self._cache_dir / hashlib.sha256(data).hexdigest() / name
        if path.is_file():
            os.utime(path)  # used again, so it lives on as long as a new one
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(data, path)
        self.files.add(str(path))
        return str(path)

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


def read_photo(path: Path, max_pixels: int) -> tuple[Photo, bytes]:
    """Return a photograph and its PNG, upright and without metadata.

    Raises:
        ImageError: If it is no picture, or too large.
    """
    picture = read_picture(path, max_pixels=max_pixels)
    image, png = picture.image, png_of(picture.image)
    photo = Photo(
        path=str(path),
        digest=hashlib.sha256(image.tobytes() + repr(image.size).encode()).hexdigest(),
        name=path.stem,
        upload_bytes=path.stat().st_size,
        upload_format=picture.format_name,
    )
    return photo, png


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
