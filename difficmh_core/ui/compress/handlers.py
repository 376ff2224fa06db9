"""What the events of the compress tab do: a photograph becomes a file, and the file a picture.

A visitor's picture and file live in that visitor's :class:`Session`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import gradio as gr
from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.image_io import to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.result import Result
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.html import draw_introduction
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.updates import CompressUpdates
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values, unchanged
from difficmh_core.ui.runtime.gpu import decode_duration_s, encode_duration_s, with_gpu
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo, UploadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizing:
    """How far the optimization of a latent is.

    Attributes:
        index: Iterations done.
        total: Iterations in all.
        seconds: Time since the start [s].
    """

    index: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """What coding gave.

    Attributes:
        encoded: The file.
        proposals: What the tagger saw; ``None`` if it was not asked.
    """

    encoded: Encoded
    proposals: tuple[Tag, ...] | None


class CompressHandlers:
    """The events of one page."""

    def __init__(self, tab: CompressTab, service: CodecService, uploads: UploadStore) -> None:
        """Take the components of the tab, and what all visitors share."""
        self._tab, self._service, self._uploads = tab, service, uploads
        self._updates = CompressUpdates(tab)
        self._encode = with_gpu(self._encode_now, _encode_s)
        self._decode = with_gpu(self._decode_now, _decode_s)

    @with_errors
    def receive(self, values: Values) -> Iterator[Updates]:
        """Take a photograph; its metadata and the upload itself are gone afterwards."""
        named = values[self._tab.file.photo]
        if named is None:
            raise shown_error(words.ENCODE_FIRST)
        photo = self._uploads.receive(named)
        yield {self._tab.session: Session(photo=photo), self._tab.file.photo: photo.path}

    @with_errors
    def encode(self, values: Values) -> Iterator[Updates]:
        """Compress the photograph, for the first time or in another way."""
        session: Session = values[self._tab.session]
        photo = session.photo
        if photo is None:
            return
        request = self._tab.file.read(values)
        tags: Sequence[Tag] | None = ()
        if request.send_tags and session.proposals is None:
            tags = None  # the tagger chooses
        elif request.send_tags:
            tags = [tag for tag in session.offered if tag.name in request.tags]
        with closing(self._encode(photo, request, tags)) as states:
            for state in states:
                if isinstance(state, Coded):
                    yield self._show_file(session, photo, state, are_sent=request.send_tags)
                else:
                    yield self._updates.optimizing(state.index, state.total, state.seconds)

    def adds_tag(self, values: Values) -> bool:
        """Tell whether a word can be added: there is one, and a file that can hold it."""
        return bool(values[self._tab.file.add_tag]) and (
            values[self._tab.session].encoded is not None
        )

    def add_tag(self, values: Values) -> Updates:
        """Offer another word of the vocabulary, ticked; the file follows in :meth:`encode`."""
        if not self.adds_tag(values):
            return unchanged()
        session, added = values[self._tab.session], values[self._tab.file.add_tag]
        if added not in {tag.name for tag in session.offered}:
            word = Tag(id=self._service.codec.vocabulary.index_of(added), name=added)
            session = replace(session, offered=(*session.offered, word))
        return self._updates.added(session, [*values[self._tab.file.tags], added])

    @with_errors
    def decode(self, values: Values) -> Iterator[Updates]:
        """Decode the visitor's file, step by step, and compare it with the photograph."""
        session: Session = values[self._tab.session]
        photo, encoded = session.photo, session.encoded
        if photo is None or encoded is None:
            raise shown_error(words.ENCODE_FIRST)
        settings = self._tab.panel.read(values)
        with closing(self._decode(photo, encoded.stream, settings)) as states:
            for state in states:
                if state.image is None:
                    yield self._updates.step(state, self._saved_preview(state))
                    continue
                picture = self._service.save(state.png, f"{photo.name}-decoded.png")
                result = Result(
                    n_bytes=encoded.stream.n_bytes,
                    bpp=encoded.stream.bpp,
                    steps=state.total,
                    seconds=state.seconds,
                    psnr_db=state.psnr_db,
                    was_kept=state.was_kept,
                )
                shown = replace(session, picture=picture, settings=settings)
                yield {self._tab.session: shown} | self._updates.picture(
                    photo.path, picture, result
                )

    def lacks_picture(self, values: Values) -> bool:
        """Tell whether a file is decoded without being asked for, and its picture is not shown."""
        panel = self._tab.panel
        session: Session = values[self._tab.session]
        return bool(values[panel.auto]) and session.lacks_picture(panel.controls(values))

    @with_errors
    def decode_automatically(self, values: Values) -> Iterator[Updates]:
        """Decode the file if the visitor wants that without being asked."""
        if self.lacks_picture(values):
            yield from self.decode(values)

    def wait_for_first(self, values: Values) -> Updates:
        """Offer to stop the optimization of a photograph's first file, if it is optimized."""
        if not values[self._tab.file.iterations]:
            return unchanged()
        # The buttons are in the column.
        return self._tab.buttons.waiting() | {self._tab.column: gr.update(visible=True)}

    def wait_for_file(self, values: Values) -> Updates:
        """Lock the buttons while a file is being made, and hide an unfinished picture."""
        if values[self._tab.session].photo is None:
            return unchanged()
        is_long = values[self._tab.file.iterations]
        buttons = self._tab.buttons
        busy = buttons.waiting() if is_long else buttons.idle(can_start=False)
        return busy | {self._tab.preview: gr.update(visible=False)}

    def wait(self) -> Updates:
        """Say that the decoding waits for the model."""
        return self._tab.buttons.waiting() | {self._tab.status: ""}

    def wait_if_wanted(self, values: Values) -> Updates:
        """Say so if the decoding starts automatically."""
        return self.wait() if self.lacks_picture(values) else unchanged()

    def rest(self, values: Values) -> Updates:
        """Offer to decode the session's file, if there is one."""
        has_file = values[self._tab.session].encoded is not None
        return self._tab.buttons.idle(can_start=has_file)

    def stop(self, values: Values) -> Updates:
        """Say that work was stopped; it ends with the step that is under way."""
        session: Session = values[self._tab.session]
        is_first = session.photo is not None and session.encoded is None
        message = words.STOPPED_FIRST if is_first else texts.STOPPED
        return self.rest(values) | {self._tab.status: html.draw_message(message)}

    def show_column(self, values: Values) -> Updates:
        """Show the column around a file, if there is one."""
        has_file = values[self._tab.session].encoded is not None
        return {self._tab.column: gr.update(visible=has_file)}

    def prepare(self) -> Updates:
        """Empty the right side: another photograph is coming."""
        tab, hidden = self._tab, gr.update(visible=False)
        return tab.buttons.idle(can_start=False) | {
            tab.status: html.draw_message(words.COMPRESSING),
            tab.preview: hidden,
            tab.comparison: hidden,
            tab.picture_file: hidden,
        }

    def forget(self) -> Updates:
        """Forget the visitor's photograph and file."""
        tab, hidden = self._tab, gr.update(visible=False)
        return {
            tab.session: Session(),
            tab.facts: draw_introduction(),
            tab.file.tags: gr.update(choices=[], value=[], visible=False),
            tab.dicmh_file: gr.update(value=None),
            tab.status: "",
            tab.preview: hidden,
            tab.comparison: hidden,
            tab.picture_file: hidden,
            tab.column: hidden,
        }

    def restore(self, values: Values) -> Updates:
        """Put the last good photograph back where a bad one was dropped."""
        photo = values[self._tab.session].photo
        shown = {self._tab.file.photo: photo.path if photo else None, self._tab.status: ""}
        return shown | self.show_column(values)

    def _saved_preview(self, state: Decoding) -> str | None:
        return None if state.preview is None else self._service.save_preview(state.preview)

    @with_errors
    def _encode_now(
        self, photo: Photo, request: CodingRequest, tags: Sequence[Tag] | None
    ) -> Iterator[Optimizing | Coded]:
        """Yield how far the optimization is, then the file; without tags, the tagger is asked."""
        image = self._uploads.load(photo)
        proposals = self._service.tag(photo, image) if tags is None else None
        chosen = (proposals or ()) if tags is None else tags
        started = time.monotonic()
        for step in self._service.encode_steps(photo, image, request, chosen):
            if step.encoded is None:
                seconds = time.monotonic() - started
                yield Optimizing(index=step.index, total=step.total, seconds=seconds)
            else:
                yield Coded(encoded=step.encoded, proposals=proposals)

    @with_errors
    def _decode_now(
        self, photo: Photo, stream: Bitstream, settings: DecodeSettings
    ) -> Iterator[Decoding]:
        """Yield the state of decoding; the last one knows how close the picture is."""
        original = self._uploads.load(photo)
        for state in self._service.decode(stream, settings):
            if state.image is None:
                yield state
                continue
            decibel = psnr_db(to_tensor(original), to_tensor(state.image)).item()
            yield replace(state, psnr_db=decibel)

    def _show_file(
        self, session: Session, photo: Photo, coded: Coded, *, are_sent: bool
    ) -> Updates:
        encoded, is_first, ticks = coded.encoded, session.picture is None, None
        if coded.proposals is not None or session.encoded is None:
            ticks = [tag.name for tag in encoded.tags]
        if coded.proposals is not None:
            session = replace(session, proposals=coded.proposals, offered=coded.proposals)
        session = replace(session, encoded=encoded, picture=None)
        path = self._service.save(encoded.data, f"{photo.name}.dicmh")
        return {
            self._tab.session: session,
            **self._updates.file(photo, encoded, path=path, is_first=is_first),
            **self._updates.tags(session, ticks=ticks, are_sent=are_sent),
        }


def _encode_s(photo: Photo, request: CodingRequest, _tags: Sequence[Tag] | None) -> int:
    """Tell for how long an encoding borrows the GPU [s]."""
    with Image.open(photo.path) as image:
        return encode_duration_s(request.iterations, image.width * image.height)


def _decode_s(_photo: Photo, stream: Bitstream, settings: DecodeSettings) -> int:
    """Tell for how long a decoding borrows the GPU [s]."""
    return decode_duration_s(settings, stream.height_px * stream.width_px)
