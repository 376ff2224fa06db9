"""Events of the compress tab: a photograph becomes a file, and the file a picture.

A visitor's picture and file live in that visitor's :class:`Session`.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import gradio as gr
from PIL import Image

from difficmh_core.codec import Encoded
from difficmh_core.image_io import to_tensor
from difficmh_core.latent_optimization import file_of
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui import texts
from difficmh_core.ui.components import button_states, html
from difficmh_core.ui.runtime.errors import toast, with_toasts
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.session import (
    CodingRequest,
    Session,
    Update,
    by_name,
    read_request,
    read_settings,
)
from difficmh_core.ui.runtime.uploads import Photo, UploadStore

__all__ = ["CompressHandlers"]

Busy = tuple[Update, Update, Update]
"""The buttons that start and stop, and the progress."""
Shown = tuple[Session | Update, str | Update, Update, Update, str | Update, Update, *Busy]
"""The session, the facts of its file, the tags, the file, what to do next, and its column."""
Decoded = tuple[Session | Update, Update, Update, Update | str, Update, *Busy]
"""The session, preview, comparison, status and the picture to download."""


class CompressHandlers:
    """The events of one page."""

    def __init__(self, service: CodecService, uploads: UploadStore) -> None:
        """Take what all visitors share."""
        self._service, self._uploads = service, uploads
        self._codec = service.codec

    @with_toasts
    def receive(self, photo: str | None) -> Iterator[tuple[Session, str]]:
        """Take a photograph; its metadata and the upload itself are gone afterwards."""
        if photo is None:
            raise toast(texts.ENCODE_FIRST)
        received = self._uploads.receive(photo)
        yield Session(photo=received), received.path

    @with_toasts
    def encode(
        self,
        session: Session,
        mode: str,
        quality: float,
        target_bytes: float,
        send_tags: bool,
        passes: float,
    ) -> Iterator[Shown]:
        """Compress a photograph that just came."""
        request = read_request(mode, quality, target_bytes, send_tags, passes)
        photo, image = self._photo(session), self._uploads.load(self._photo(session))
        proposals = self._service.tag(photo, image) if send_tags else None
        encoded = yield from self._code(photo, image, request, proposals or ())
        session = replace(
            session, proposals=proposals, offered=proposals or (), encoded=encoded, picture=None
        )
        yield self._show(session, request, ticks=[tag.name for tag in encoded.tags])

    @with_toasts
    def recode(
        self,
        session: Session,
        tags: list[str],
        mode: str,
        quality: float,
        target_bytes: float,
        send_tags: bool,
        passes: float,
    ) -> Iterator[Shown]:
        """Compress the same photograph again, with another quality, size or other tags."""
        if session.photo is None:
            yield gr.skip()  # a bare return empties them
            return
        request = read_request(mode, quality, target_bytes, send_tags, passes, tags)
        photo, image = self._photo(session), self._uploads.load(self._photo(session))
        chosen: Sequence[Tag] = ()
        ticks = None
        if send_tags and session.proposals is None:
            proposals = self._service.tag(photo, image)
            session = replace(session, proposals=proposals, offered=proposals)
            chosen, ticks = proposals, [tag.name for tag in proposals]
        elif send_tags:
            chosen = [tag for tag in session.offered if tag.name in request.tags]
        encoded = yield from self._code(photo, image, request, chosen)
        yield self._show(replace(session, encoded=encoded), request, ticks)

    def adds_tag(self, session: Session, added: str | None) -> bool:
        """Return whether a word can be added: there is one, and a file that can hold it."""
        return bool(added) and session.encoded is not None

    def add_tag(
        self, session: Session, tags: list[str], added: str | None
    ) -> tuple[Session | Update, Update, Update | None]:
        """Offer another word of the vocabulary, ticked; the file follows in :meth:`recode`."""
        if not added or not self.adds_tag(session, added):
            return gr.skip(), gr.skip(), gr.skip()
        if added not in {tag.name for tag in session.offered}:
            word = Tag(id=self._codec.vocabulary.index_of(added), name=added)
            session = replace(session, offered=(*session.offered, word))
        chips = gr.update(choices=_choices(session, None), value=[*tags, added])
        return session, chips, None

    @with_toasts
    def decode(self, session: Session, *controls: float | str) -> Iterator[Decoded]:
        """Decode the visitor's file, step by step, and compare it with the photograph."""
        if session.encoded is None:
            raise toast(texts.ENCODE_FIRST)
        settings = read_settings(by_name(controls))
        photo, encoded = self._photo(session), session.encoded
        original = self._uploads.load(photo)
        for state in self._service.decode(encoded.stream, settings):
            if state.image is None:
                progress = html.draw_progress(state.index, state.total, state.seconds)
                shown = (*self._show_preview(state), gr.skip(), gr.update(visible=False))
                yield session, *shown, *button_states.lock_at_step(progress)
                continue
            picture = self._service.save(state.png, f"{photo.name}-decoded.png")
            result = html.Result(
                n_bytes=encoded.stream.n_bytes,
                bpp=encoded.stream.bpp,
                steps=state.total,
                seconds=state.seconds,
                psnr_db=psnr_db(to_tensor(original), to_tensor(state.image)).item(),
                was_kept=state.was_kept,
            )
            yield (
                replace(session, picture=picture, settings=settings),
                gr.update(visible=False),
                gr.update(value=(photo.path, picture), visible=True),
                html.draw_result(result),
                gr.update(value=picture, visible=True),
                *[gr.skip()] * 3,
            )

    @with_toasts
    def decode_by_itself(
        self, is_wanted: bool, session: Session, *controls: float | str
    ) -> Iterator[Decoded]:
        """Decode the file if the visitor wants that without being asked."""
        if is_wanted and session.lacks_picture(controls):
            yield from self.decode(session, *controls)
        else:
            yield gr.skip()  # a bare return empties them

    def forget(self) -> tuple[Update | Session | str | None, ...]:
        """Forget the visitor's photograph and file."""
        hidden = gr.update(visible=False)
        chips = gr.update(choices=[], value=[], visible=False)
        file = gr.update(value=None)
        shown = (Session(), html.draw_introduction(), chips, file, "")
        return *shown, hidden, hidden, hidden, hidden

    def restore(self, session: Session) -> tuple[str | None, str, Update]:
        """Put the last good photograph back where a bad one was dropped."""
        path = session.photo.path if session.photo else None
        return path, "", button_states.show_if_there(session)

    def _show_preview(self, state: Decoding) -> tuple[Update, Update]:
        """Return the preview and the hidden comparison."""
        if state.preview is None:
            return gr.skip(), gr.skip()
        path = self._service.save_preview(state.preview)
        preview = gr.update(value=path, label=texts.PREVIEW, visible=True)
        return preview, gr.update(visible=False)

    def _code(
        self, photo: Photo, image: Image.Image, request: CodingRequest, tags: Sequence[Tag]
    ) -> Generator[Shown, None, Encoded]:
        """Yield how far refinement is; return the file."""
        started = time.monotonic()
        for step in self._service.encode_steps(photo, image, request, tags):
            if step.encoded is None:
                seconds = time.monotonic() - started
                progress = html.draw_refining(step.index, step.total, seconds)
                visible = gr.update(visible=True)
                yield *[gr.skip()] * 5, visible, *button_states.lock_at_step(progress)
        return file_of([step])

    def _photo(self, session: Session) -> Photo:
        if session.photo is None:
            raise toast(texts.ENCODE_FIRST)
        return session.photo

    def _show(
        self, session: Session, request: CodingRequest, ticks: Sequence[str] | None = None
    ) -> Shown:
        """Return what the page shows of the session's file.

        Without ``ticks``, those of the chips stay: a visitor may have changed more of them while
        the file was made. They stay, too, while tags are turned off, and return with them.
        """
        encoded, photo = session.encoded, self._photo(session)
        if encoded is None:
            raise toast(texts.ENCODE_FIRST)
        facts = html.FileFacts(
            n_bytes=len(encoded.data),
            size_px=(encoded.stream.height_px, encoded.stream.width_px),
            section_bits=encoded.section_bits,
            upload_bytes=photo.upload_bytes,
            upload_format=photo.upload_format,
            notes=photo.notes,
        )
        chips = gr.update(
            choices=_choices(session, encoded),
            interactive=request.send_tags,
            visible=bool(session.offered),
        )
        if ticks is not None:
            chips["value"] = ticks
        path = self._service.save(encoded.data, f"{photo.name}.dicmh")
        message = texts.CHANGED if session.picture else texts.READY
        session = replace(session, picture=None)
        file = gr.update(value=path)
        shown = (session, html.draw_file(facts), chips, file, _message(message))
        return *shown, *[gr.skip()] * 4


def _choices(session: Session, encoded: Encoded | None) -> list[tuple[str, str]]:
    """Return the chips: each offered tag with its confidence and, in the file, its bits."""
    proposed = {tag.id for tag in session.proposals or ()}
    held = {tag.id for tag in encoded.tags} if encoded else set()
    bits_each = encoded.section_bits["tags"] / len(held) if encoded and held else None
    return [
        (
            texts.tag_label(
                tag.name,
                tag.confidence if tag.id in proposed else None,
                bits_each if tag.id in held else None,
            ),
            tag.name,
        )
        for tag in session.offered
    ]


def _message(message: str) -> str:
    return html.draw_message(message)
