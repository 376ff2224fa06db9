"""Events of the page: what the visitor does becomes calls of the core.

One method per event. A visitor's picture and file live in that visitor's
:class:`~ui.session.Session`, never in the handlers, which only hold what all visitors share.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import gradio as gr
from gradio import processing_utils
from PIL import Image

from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config import QUALITY_MAX, DecodeSettings
from difficmh_core.encoding import QUALITY_LEVELS
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.tagging.tags import Tag
from ui import texts, views
from ui.session import Decoding, Session, Update, read_number, read_settings
from ui.toasts import toast, with_toasts

__all__ = ["Handlers"]

PREVIEW_SIDE_PX = 640
"""Previews are an eighth of the picture's size; they are enlarged to at most this [px]."""


class Handlers:
    """The events of one page around one codec."""

    def __init__(self, codec: DiffICMHCodec, *, max_pixels: int, cache_dir: str) -> None:
        """Take what all visitors share.

        Args:
            codec: Loaded and ready.
            max_pixels: Largest picture that the page takes [px].
            cache_dir: Folder from which Gradio serves files.
        """
        self._codec = codec
        self._max_pixels = max_pixels
        self._cache_dir = cache_dir

    @with_toasts
    def encode(
        self, photo: str | None, quality: float, send_tags: bool
    ) -> Iterator[tuple[Session, str, str, Update, str, str, Update]]:
        """Compress a photograph to a .dicmh file.

        Args:
            photo: The photograph.
            quality: 0 (smallest file) to 100 (most faithful picture).
            send_tags: Whether the file holds tags, as the tagger sees them.
        """
        if photo is None:
            raise toast(texts.ENCODE_FIRST)
        quality = read_number("quality", quality)
        upload = Path(photo)
        image = read_image(upload, max_pixels=self._max_pixels)
        proposals = tuple(self._codec.tag(image)) if send_tags else None
        clean_photo = self._save_png(image, upload.stem)
        session = Session(
            photo=clean_photo,
            name=upload.stem,
            upload_bytes=upload.stat().st_size,
            proposals=proposals,
            encoded=self._codec.encode(image, quality=self._own(quality), tags=proposals),
        )
        chips = self._show_tags(proposals or (), is_active=send_tags)
        facts, file, message = self._show_file(session)
        yield session, clean_photo, facts, chips, file, message, gr.update(visible=True)

    def _own(self, quality: float) -> float | None:
        """Return the quality, or ``None`` for networks with one rate, where no slider shows."""
        return quality if self._codec.config.rate is None else None

    @with_toasts
    def recode(
        self, session: Session, quality: float, send_tags: bool, tags: list[str]
    ) -> Iterator[tuple[Session, str, Update, str, str]]:
        """Compress the same photograph again, with another quality or other tags.

        Args:
            session: What the page keeps for the visitor.
            quality: 0 (smallest file) to 100 (most faithful picture).
            send_tags: Whether the file holds tags.
            tags: Names of the tags that it holds.
        """
        if session.encoded is None:
            return
        quality = read_number("quality", quality)
        image = self._read_photo(session)
        chips = gr.update(interactive=send_tags)
        if send_tags and session.proposals is None:
            session = replace(session, proposals=tuple(self._codec.tag(image)))
            chips = self._show_tags(session.proposals or (), is_active=True)
            tags = [tag.name for tag in session.proposals or ()]
        proposed = {tag.name: tag for tag in session.proposals or ()}
        chosen = [proposed.get(name, name) for name in tags] if send_tags else []
        encoded = self._codec.encode(image, quality=self._own(quality), tags=chosen)
        session = replace(session, encoded=encoded)
        facts, file, message = self._show_file(session)
        yield session, facts, chips, file, message

    @with_toasts
    def decode(
        self,
        session: Session,
        steps: float,
        guidance_scale: float,
        sampler: str,
        seed: str,
        start: float,
        realism: float,
        control_scale: float,
        guidance_low: float,
        guidance_high: float,
    ) -> Iterator[tuple[Session, Update, Update, str, Update | str, Update]]:
        """Decode the visitor's file, step by step, and compare it with the photograph.

        Args:
            session: What the page keeps for the visitor.
            steps: Denoising steps, 1 to 1000.
            guidance_scale: How strongly the tags steer, 1 (off) to 30.
            sampler: ddpm, ddim or dpm-solver++.
            seed: Seed of the start noise, a whole number; nothing derives it from the file.
            start: 1 starts from pure noise, less from the decoded hint with noise added.
            realism: 0 shows the file's own content, 1 the painted picture.
            control_scale: How strongly the file's content steers, 0 to 2.
            guidance_low: Share of the noise schedule below which tags do not steer, 0 to 1.
            guidance_high: Share of the noise schedule above which tags do not steer, 0 to 1.
        """
        if session.encoded is None:
            raise toast(texts.ENCODE_FIRST)
        settings = read_settings(
            steps,
            guidance_scale,
            sampler,
            seed,
            start,
            realism,
            control_scale,
            guidance_low,
            guidance_high,
        )
        original = self._read_photo(session)
        for state in self._run(session.encoded.stream, settings):
            if state.image is None:
                yield session, *_show_progress(state), gr.skip(), gr.update(visible=False)
                continue
            picture = self._save_png(state.image, f"{session.name}-decoded")
            result = views.Result(
                n_bytes=session.encoded.stream.n_bytes,
                bpp=session.encoded.stream.bpp,
                steps=state.total,
                seconds=state.seconds,
                psnr_db=psnr_db(to_tensor(original), to_tensor(state.image)).item(),
            )
            yield (
                replace(session, is_decoded=True),
                gr.update(visible=False),
                gr.update(value=(session.photo, picture), visible=True),
                "",
                views.draw_result(result),
                gr.update(value=picture, visible=True),
            )

    @with_toasts
    def info(self, file: str | None) -> Iterator[str]:
        """Check a .dicmh file and tell what is in it.

        Args:
            file: The .dicmh file.
        """
        data, stream = self._open(file)
        section_bits = self._codec.verify(stream)
        facts = views.FileFacts(
            n_bytes=len(data),
            size_px=(stream.height_px, stream.width_px),
            section_bits=section_bits,
        )
        tags = ", ".join(self._codec.vocabulary.name_of(tag) for tag in stream.tag_ids)
        size = texts.PICTURE_SIZE.format(width=stream.width_px, height=stream.height_px)
        quality = QUALITY_MAX * stream.quality_level / QUALITY_LEVELS
        rate = self._codec.config.rate
        rows = (
            (texts.FACT_PICTURE, size),
            (texts.FACT_TAGS, tags or texts.NO_TAGS),
            (texts.FACT_QUALITY, texts.QUALITY_VALUE.format(quality=quality))
            if rate is None
            else (texts.FACT_RATE, str(rate)),
            (texts.FACT_PROFILE, stream.profile),
            (texts.FACT_MODEL, stream.fingerprint.hex()),
            (texts.FACT_CHECKSUM, f"{stream.checksum:08x}"),
        )
        yield views.draw_file(facts) + views.draw_facts(rows)

    @with_toasts
    def decode_file(
        self,
        file: str | None,
        steps: float,
        guidance_scale: float,
        sampler: str,
        seed: str,
        start: float,
        realism: float,
        control_scale: float,
        guidance_low: float,
        guidance_high: float,
    ) -> Iterator[tuple[Update, str, Update | str, Update]]:
        """Decode a .dicmh file, step by step.

        Args:
            file: The .dicmh file.
            steps: Denoising steps, 1 to 1000.
            guidance_scale: How strongly the tags steer, 1 (off) to 30.
            sampler: ddpm, ddim or dpm-solver++.
            seed: Seed of the start noise, a whole number; nothing derives it from the file.
            start: 1 starts from pure noise, less from the decoded hint with noise added.
            realism: 0 shows the file's own content, 1 the painted picture.
            control_scale: How strongly the file's content steers, 0 to 2.
            guidance_low: Share of the noise schedule below which tags do not steer, 0 to 1.
            guidance_high: Share of the noise schedule above which tags do not steer, 0 to 1.
        """
        data, stream = self._open(file)
        settings = read_settings(
            steps,
            guidance_scale,
            sampler,
            seed,
            start,
            realism,
            control_scale,
            guidance_low,
            guidance_high,
        )
        for state in self._run(stream, settings):
            if state.image is None:
                preview, _, progress = _show_progress(state)
                yield preview, progress, gr.skip(), gr.update(visible=False)
                continue
            picture = self._save_png(state.image, f"{Path(str(file)).stem}-decoded")
            result = views.Result(
                n_bytes=len(data), bpp=stream.bpp, steps=state.total, seconds=state.seconds
            )
            yield (
                gr.update(value=picture, label=texts.DECODED, visible=True),
                "",
                views.draw_result(result),
                gr.update(value=picture, visible=True),
            )

    def forget(self) -> tuple[Session, str, Update, Update, Update, str, Update, Update, Update]:
        """Forget the visitor's photograph and file."""
        hidden = gr.update(visible=False)
        return (
            Session(),
            views.draw_introduction(),
            gr.update(choices=list(self._codec.vocabulary.names), value=[]),
            gr.update(value=None),
            hidden,
            "",
            hidden,
            hidden,
            hidden,
        )

    def restore(self, session: Session) -> tuple[str | None, str]:
        """Put the last good photograph back where a bad one was dropped."""
        return session.photo, ""

    def _run(self, stream: Bitstream, settings: DecodeSettings) -> Iterator[Decoding]:
        """Yield the state of decoding, at once and after each step."""
        started = time.monotonic()
        yield Decoding(index=0, total=settings.steps, seconds=0.0)
        for step in self._codec.decode(stream, settings):
            yield Decoding(
                index=step.index,
                total=step.total,
                seconds=time.monotonic() - started,
                preview=_enlarge(step.preview()) if step.image is None else None,
                image=step.image,
            )

    def _open(self, file: str | None) -> tuple[bytes, Bitstream]:
        if file is None:
            raise toast(texts.CHOOSE_FILE)
        data = Path(file).read_bytes()
        return data, Bitstream.from_bytes(data, limits=Limits(max_pixels=self._max_pixels))

    def _read_photo(self, session: Session) -> Image.Image:
        if session.photo is None or not Path(session.photo).is_file():
            raise toast(texts.PHOTO_EXPIRED)
        return read_image(session.photo, max_pixels=self._max_pixels)

    def _save_png(self, image: Image.Image, name: str) -> str:
        """Write a picture, lossless and without metadata, where the page may serve it from."""
        return processing_utils.save_pil_to_cache(image, self._cache_dir, name, format="png")

    def _show_file(self, session: Session) -> tuple[str, str, str]:
        """Return the facts of the session's file, its path, and what to do next."""
        if session.encoded is None:
            raise toast(texts.ENCODE_FIRST)
        stream, data = session.encoded.stream, session.encoded.data
        facts = views.FileFacts(
            n_bytes=len(data),
            size_px=(stream.height_px, stream.width_px),
            section_bits=session.encoded.section_bits,
            upload_bytes=session.upload_bytes,
        )
        path = processing_utils.save_bytes_to_cache(data, f"{session.name}.dicmh", self._cache_dir)
        message = texts.CHANGED if session.is_decoded else texts.READY
        return views.draw_file(facts), path, views.draw_message(message)

    def _show_tags(self, proposals: Sequence[Tag], *, is_active: bool) -> Update:
        """Return the chips: proposals with their confidence, then the whole vocabulary."""
        labels = {tag.name: texts.tag_label(tag.name, tag.confidence) for tag in proposals}
        choices = [(labels.get(name, name), name) for name in self._codec.vocabulary.names]
        return gr.update(choices=choices, value=list(labels), interactive=is_active)


def _enlarge(preview: Image.Image) -> Image.Image:
    scale = PREVIEW_SIDE_PX / max(preview.size)
    size = (max(1, round(scale * preview.width)), max(1, round(scale * preview.height)))
    return preview.resize(size, Image.Resampling.BICUBIC)


def _show_progress(state: Decoding) -> tuple[Update, Update, str]:
    """Return the preview, the hidden comparison, and the progress."""
    progress = views.draw_progress(state.index, state.total, state.seconds)
    if state.preview is None:
        return gr.skip(), gr.skip(), progress
    preview = gr.update(value=state.preview, label=texts.PREVIEW, visible=True)
    return preview, gr.update(visible=False), progress
