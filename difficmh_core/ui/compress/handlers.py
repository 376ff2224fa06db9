"""What the events of the compress tab do: a photograph becomes a file, and the file a picture.

A visitor's picture and file live in that visitor's :class:`Session`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import gradio as gr

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.errors import ConfigError
from difficmh_core.latent_optimization import OptimizationStep
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoding import DecodingHandlers
from difficmh_core.ui.components.file_facts import draw_file
from difficmh_core.ui.components.progress import draw_optimization, draw_waiting, draw_work
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.large_photos import draw_sizes, received, resized
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.result_handlers import ResultHandlers
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Component, Updates, Values, unchanged
from difficmh_core.ui.runtime.gpu import encoding_s, with_gpu
from difficmh_core.ui.runtime.pace import Working
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.session import Session, is_decoded_with
from difficmh_core.ui.runtime.uploads import OpenedFile, Photo, UploadStore


class CompressHandlers(DecodingHandlers[CompressTab]):
    """The events of one page."""

    def __init__(self, tab: CompressTab, service: CodecService, uploads: UploadStore) -> None:
        super().__init__(tab, service, uploads)
        self._encode = with_gpu(self._encode_now, encoding_s)
        self.results = ResultHandlers(tab, service, uploads)

    @with_errors
    def receive(self, values: Values) -> Iterator[Updates]:
        """Take a photograph; its metadata and the upload itself are gone afterwards."""
        named = values[self._tab.file.photo]
        if named is None:
            raise shown_error(words.ENCODE_FIRST)
        session, photo = received(self._uploads.receive(named), self._uploads)
        yield {self._tab.file.photo: photo.path} | self._begin(session, photo)

    def resize(self, values: Values) -> Updates:
        """Begin anew with the photograph in another size."""
        tab = self._tab
        return self._begin(*resized(values[tab.session], values[tab.file.size]))

    def _begin(self, session: Session, photo: Photo) -> Updates:
        tab = self._tab
        return {
            tab.session: session,
            tab.file.size: draw_sizes(session, self._service),
            **self.results.show_photo(photo),
            **self._show_columns(is_there=False),
        }

    @with_errors
    def encode(self, values: Values) -> Iterator[Updates]:
        """Compress the photograph, for the first time or in another way."""
        tab = self._tab
        session: Session = values[tab.session]
        photo = session.photo
        if photo is None:
            return
        request = tab.file.read(values)
        if session.has_file_of(request):
            return
        tags: Sequence[Tag] | None = ()
        if request.send_tags and session.proposals is None:
            tags = None  # the tagger chooses
        elif request.send_tags:
            tags = [tag for tag in session.offered if tag.name in request.tags]
        with closing(self._encode(photo, request, tags)) as states:
            for step, seconds in states:
                if isinstance(step, Working):
                    drawn = draw_work(step.stage, step.share, step.left_s)
                    yield self._buttons.at_work(drawn) | {tab.column: gr.update(visible=True)}
                    continue
                if step.encoded is None:
                    drawn = draw_optimization(step.index, step.total, seconds)
                    yield self._buttons.at_work(drawn) | {tab.column: gr.update(visible=True)}
                    continue
                if tags is None:
                    found = step.encoded.tags
                    session = replace(session, proposals=found, offered=found, encoded=None)
                yield self._show_file(session, photo, step.encoded, request)

    def has_photo(self, values: Values) -> bool:
        """Tell whether there is a photograph."""
        return values[self._tab.session].photo is not None

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

    def wait_for_file(self, values: Values) -> Updates:
        """Say that a file is being made."""
        return self._compressing() if self.needs_file(values) else unchanged()

    def _compressing(self) -> Updates:
        return self._buttons.at_work(draw_waiting(words.COMPRESSING))

    def stop(self, values: Values) -> Updates:
        """Say that work was stopped; it ends with the step that is under way."""
        session: Session = values[self._tab.session]
        is_first = session.photo is not None and session.encoded is None
        shown = {self._tab.status: html.draw_message(words.STOPPED_FIRST)} if is_first else {}
        return super().stop(values) | shown

    def show_column(self, values: Values) -> Updates:
        """Show what surrounds a file, if there is one."""
        return self._show_columns(is_there=self.has_file(values))

    def prepare(self, values: Values) -> Updates:
        """Say that there is another photograph, whose file is to be made."""
        tab = self._tab
        shown = self._compressing() | {
            tab.status: "",
            tab.panel.outdated: gr.update(visible=False),
        }
        if values[tab.file.iterations]:  # can be stopped, with the buttons in the column
            shown[tab.column] = gr.update(visible=True)
        return shown

    def forget(self) -> Updates:
        """Forget the visitor's photograph and file; earlier results are kept for their photo."""
        tab = self._tab
        return {
            tab.session: Session(),
            tab.file.size: draw_sizes(Session(), self._service),
            tab.file.tags: gr.update(choices=[], value=[], visible=False),
            tab.dicmh_file: gr.update(value=None),
            tab.panel.outdated: gr.update(visible=False),
            tab.picture_file: gr.update(visible=False),
            tab.strip: "",
            **tab.beginning(),
            **self._show_columns(is_there=False),
        }

    def restore(self, values: Values) -> Updates:
        """Put the last good photograph back where a bad one was dropped; all else stays."""
        photo = values[self._tab.session].photo
        return {self._tab.file.photo: photo.path if photo else None}

    def explain_failure(self, values: Values) -> Updates:
        """Show no file where the first one of a photograph failed; a later one changes nothing."""
        tab, session = self._tab, values[self._tab.session]
        if session.photo is None or session.encoded is not None:
            return unchanged()
        return {
            tab.facts: "",
            tab.file.tags: gr.update(choices=[], value=[], visible=False),
            tab.dicmh_file: gr.update(value=None),
            tab.status: html.draw_message(words.FAILED_FIRST),
            **self._show_columns(is_there=False),
        }

    @property
    def shown_by(self) -> set[Component]:
        """What tells how the file and its picture were made, and how they are wanted."""
        tab = self._tab
        return {tab.session, tab.file.tags, *tab.linked.values()}

    def tell_outdated(self, values: Values) -> str:
        """Say what was made with other settings than those shown; nothing if all are the same."""
        session: Session = values[self._tab.session]
        if session.encoded is None:
            return ""
        if self.needs_file(values):
            return words.FILE_OUTDATED
        if session.settings is None:  # nothing is decoded yet
            return ""
        if session.picture is None:
            return words.PICTURE_OF_OLD_FILE
        controls = self._tab.panel.controls(values)
        return "" if is_decoded_with(session.settings, controls) else texts.PICTURE_OUTDATED

    def needs_file(self, values: Values) -> bool:
        """Tell whether there is a photograph, and no file of it as it is asked for."""
        session: Session = values[self._tab.session]
        try:
            is_made = session.has_file_of(self._tab.file.read(values))
        except ConfigError:
            is_made = False
        return session.photo is not None and not is_made

    def _open(self, values: Values) -> tuple[OpenedFile, Photo]:
        session: Session = values[self._tab.session]
        if session.photo is None or session.encoded is None:
            raise shown_error(words.ENCODE_FIRST)
        return OpenedFile(stream=session.encoded.stream, name=session.photo.name), session.photo

    def _show_preview(self, values: Values, preview: str, state: Decoding) -> Updates:
        return self.results.show_preview(values[self._tab.session], preview, state)

    def _show_picture(
        self, values: Values, picture: str, state: Decoding, settings: DecodeSettings
    ) -> Updates:
        session = values[self._tab.session]
        photo, stream = session.photo, session.encoded.stream
        return {
            self._tab.session: replace(session, picture=picture, settings=settings),
            **self.results.show_new(values, photo, stream, picture, state, settings),
        }

    def _show_columns(self, *, is_there: bool) -> Updates:
        return dict.fromkeys(self._tab.columns, gr.update(visible=is_there))

    def _show_file(
        self, session: Session, photo: Photo, encoded: Encoded, request: CodingRequest
    ) -> Updates:
        """Show a file, and offer its tags.

        They are ticked if they are the first or the tagger's. Otherwise the ticks stay: a visitor
        may have changed more of them while the file was made. They stay, too, while tags are
        turned off, and return with them.
        """
        tab = self._tab
        chips = gr.update(
            choices=_choices(session, encoded),
            interactive=request.send_tags,
            visible=bool(session.offered),
        )
        held = tuple(tag.name for tag in encoded.tags)
        if session.encoded is None:
            chips["value"] = [*held]
        status = words.READY if session.picture is None else words.CHANGED
        path = self._service.save(encoded.data, f"{photo.name}.dicmh")
        return {
            tab.session: replace(
                session,
                encoded=encoded,
                request=session.asked(replace(request, tags=held)),
                picture=None,
            ),
            tab.facts: draw_file(encoded.stream, encoded.section_bits, photo),
            tab.dicmh_file: gr.update(value=path),
            tab.status: html.draw_message(status),
            tab.file.tags: chips,
        }

    @with_errors
    def _encode_now(
        self, photo: Photo, request: CodingRequest, tags: Sequence[Tag] | None
    ) -> Iterator[tuple[OptimizationStep | Working, float]]:
        """Yield how far the optimization is, after how many seconds; the last one has the file.

        Without tags, the tagger is asked.
        """
        image = self._uploads.load(photo)
        chosen = self._service.tag(photo, image) if tags is None else tags
        started = time.monotonic()
        for step in self._service.encode_steps(photo, image, request, chosen):
            yield step, time.monotonic() - started


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
