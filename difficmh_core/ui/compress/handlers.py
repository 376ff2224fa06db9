"""What the events of the compress tab do: a photograph becomes a file, and the file a picture.

A visitor's picture and file live in that visitor's :class:`Session`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import gradio as gr
from PIL import Image

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.latent_optimization import OptimizationStep
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoding import DecodingHandlers
from difficmh_core.ui.components.file_facts import draw_file
from difficmh_core.ui.components.progress import draw_optimization
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.layout import CompressTab, draw_introduction
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values, unchanged
from difficmh_core.ui.runtime.gpu import encode_duration_s, with_gpu
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import OpenedFile, Photo, UploadStore


class CompressHandlers(DecodingHandlers[CompressTab]):
    """The events of one page."""

    def __init__(self, tab: CompressTab, service: CodecService, uploads: UploadStore) -> None:
        super().__init__(tab, service, uploads)
        self._encode = with_gpu(self._encode_now, _encode_s)

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
        tab = self._tab
        session: Session = values[tab.session]
        photo = session.photo
        if photo is None:
            return
        request = tab.file.read(values)
        tags: Sequence[Tag] | None = ()
        if request.send_tags and session.proposals is None:
            tags = None  # the tagger chooses
        elif request.send_tags:
            tags = [tag for tag in session.offered if tag.name in request.tags]
        with closing(self._encode(photo, request, tags)) as states:
            for step, seconds in states:
                if step.encoded is None:
                    drawn = draw_optimization(step.index, step.total, seconds)
                    yield self._buttons.at_work(drawn) | {tab.column: gr.update(visible=True)}
                    continue
                if tags is None:
                    found = step.encoded.tags
                    session = replace(session, proposals=found, offered=found, encoded=None)
                yield self._show_file(session, photo, step.encoded, are_sent=request.send_tags)

    def adds_tag(self, values: Values) -> bool:
        """Tell whether a word can be added: there is one, and a file that can hold it."""
        return bool(values[self._tab.file.add_tag]) and (
            values[self._tab.session].encoded is not None
        )

    def add_tag(self, values: Values) -> Updates:
        """Offer another word of the vocabulary, ticked; the file follows in :meth:`encode`."""
        if not self.adds_tag(values):
            return unchanged()
        file = self._tab.file
        session, added = values[self._tab.session], values[file.add_tag]
        if added not in {tag.name for tag in session.offered}:
            word = Tag(id=self._service.codec.vocabulary.index_of(added), name=added)
            session = replace(session, offered=(*session.offered, word))
        ticks = [*values[file.tags], added]
        return {
            self._tab.session: session,
            file.tags: gr.update(choices=_choices(session, None), value=ticks),
            file.add_tag: None,
        }

    def has_file(self, values: Values) -> bool:
        """Tell whether there is a file."""
        return values[self._tab.session].encoded is not None

    def is_wanted(self, values: Values) -> bool:
        """Tell whether a file is decoded without being asked for, and its picture is not shown."""
        panel = self._tab.panel
        session: Session = values[self._tab.session]
        return bool(values[panel.auto]) and session.lacks_picture(panel.controls(values))

    def wait_for_first(self, values: Values) -> Updates:
        """Offer to stop the optimization of a photograph's first file, if it is optimized."""
        if not values[self._tab.file.iterations]:
            return unchanged()
        # The buttons are in the column.
        return self._buttons.waiting() | {self._tab.column: gr.update(visible=True)}

    def wait_for_file(self, values: Values) -> Updates:
        """Disable the buttons while a file is being made, and hide an unfinished picture."""
        if values[self._tab.session].photo is None:
            return unchanged()
        is_long = values[self._tab.file.iterations]
        buttons = self._buttons
        busy = buttons.waiting() if is_long else buttons.idle(can_start=False)
        return busy | {self._tab.preview: gr.update(visible=False)}

    def stop(self, values: Values) -> Updates:
        """Say that work was stopped; it ends with the step that is under way."""
        session: Session = values[self._tab.session]
        is_first = session.photo is not None and session.encoded is None
        shown = {self._tab.status: html.draw_message(words.STOPPED_FIRST)} if is_first else {}
        return super().stop(values) | shown

    def show_column(self, values: Values) -> Updates:
        """Show the column around a file, if there is one."""
        return {self._tab.column: gr.update(visible=self.has_file(values))}

    def prepare(self) -> Updates:
        """Empty the right side: another photograph is coming."""
        return self._buttons.idle(can_start=False) | {
            self._tab.status: html.draw_message(words.COMPRESSING),
            **dict.fromkeys(self._tab.pictures, gr.update(visible=False)),
        }

    def forget(self) -> Updates:
        """Forget the visitor's photograph and file."""
        tab = self._tab
        return {
            tab.session: Session(),
            tab.facts: draw_introduction(),
            tab.file.tags: gr.update(choices=[], value=[], visible=False),
            tab.dicmh_file: gr.update(value=None),
            tab.status: "",
            **dict.fromkeys([*tab.pictures, tab.column], gr.update(visible=False)),
        }

    def restore(self, values: Values) -> Updates:
        """Put the last good photograph back where a bad one was dropped."""
        photo = values[self._tab.session].photo
        shown = {self._tab.file.photo: photo.path if photo else None, self._tab.status: ""}
        return shown | self.show_column(values)

    def _open(self, values: Values) -> tuple[OpenedFile, Photo]:
        session: Session = values[self._tab.session]
        if session.photo is None or session.encoded is None:
            raise shown_error(words.ENCODE_FIRST)
        return OpenedFile(stream=session.encoded.stream, name=session.photo.name), session.photo

    def _show_step(self, state: Decoding) -> Updates:
        updates = super()._show_step(state)
        if state.preview is not None:
            updates[self._tab.comparison] = gr.update(visible=False)
        return updates

    def _show_picture(self, values: Values, picture: str, settings: DecodeSettings) -> Updates:
        tab, session = self._tab, values[self._tab.session]
        return {
            tab.session: replace(session, picture=picture, settings=settings),
            tab.preview: gr.update(visible=False),
            tab.comparison: gr.update(value=(session.photo.path, picture), visible=True),
        }

    def _show_file(
        self, session: Session, photo: Photo, encoded: Encoded, *, are_sent: bool
    ) -> Updates:
        """Show a file, and offer its tags.

        They are ticked if they are the first or the tagger's. Otherwise the ticks stay: a visitor
        may have changed more of them while the file was made. They stay, too, while tags are
        turned off, and return with them.
        """
        tab = self._tab
        chips = gr.update(
            choices=_choices(session, encoded),
            interactive=are_sent,
            visible=bool(session.offered),
        )
        if session.encoded is None:
            chips["value"] = [tag.name for tag in encoded.tags]
        status = words.READY if session.picture is None else words.CHANGED
        path = self._service.save(encoded.data, f"{photo.name}.dicmh")
        return {
            tab.session: replace(session, encoded=encoded, picture=None),
            tab.facts: draw_file(encoded.stream, encoded.section_bits, photo),
            tab.dicmh_file: gr.update(value=path),
            tab.status: html.draw_message(status),
            tab.file.tags: chips,
        }

    @with_errors
    def _encode_now(
        self, photo: Photo, request: CodingRequest, tags: Sequence[Tag] | None
    ) -> Iterator[tuple[OptimizationStep, float]]:
        """Yield how far the optimization is, after how many seconds; the last one has the file.

        Without tags, the tagger is asked.
        """
        image = self._uploads.load(photo)
        chosen = self._service.tag(photo, image) if tags is None else tags
        started = time.monotonic()
        for step in self._service.encode_steps(photo, image, request, chosen):
            yield step, time.monotonic() - started


def _encode_s(photo: Photo, request: CodingRequest, _tags: Sequence[Tag] | None) -> int:
    with Image.open(photo.path) as image:
        return encode_duration_s(request.iterations, image.width * image.height)


def _choices(session: Session, encoded: Encoded | None) -> list[tuple[str, str]]:
    """Label each offered tag with its confidence and, in the file, its bits."""
    proposed = {tag.id for tag in session.proposals or ()}
    held = {tag.id for tag in encoded.tags} if encoded else set()
    bits_each = encoded.section_bits["tags"] / len(held) if encoded and held else None
    return [
        (
            words.tag_label(
                tag.name,
                tag.confidence if tag.id in proposed else None,
                bits_each if tag.id in held else None,
            ),
            tag.name,
        )
        for tag in session.offered
    ]
