"""What happens when on the compress tab: which event follows which, and what ends it."""

from pathlib import Path
from typing import Any

import gradio as gr

from difficmh_core.config.networks import CodecConfig
from difficmh_core.ui.components.arrival import Arrival
from difficmh_core.ui.components.decoding import DecodingEvents
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.links import link_script, name_examples_script
from difficmh_core.ui.compress.resuming import ResumeHandlers
from difficmh_core.ui.runtime.cancellation import RequestKind
from difficmh_core.ui.runtime.events import LATEST, QUICK, Component, Event
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_compress_tab(
    demo: gr.Blocks, tab: CompressTab, service: CodecService, uploads: UploadStore
) -> "CompressEvents":
    """Connect the components of the tab."""
    events = CompressEvents(tab, CompressHandlers(tab, service, uploads))
    events.connect_decoding()
    events.connect_history()
    names = [Path(example).stem for example in tab.file.examples]
    demo.load(None, js=name_examples_script(names), **QUICK)
    return events


class CompressEvents(DecodingEvents):
    """The events of one tab; every heavy one brings the number of the request that led to it.

    Attributes:
        codings: What makes another file.
    """

    def __init__(self, tab: CompressTab, handlers: CompressHandlers) -> None:
        super().__init__(tab, handlers)
        self._tab, self._handlers = tab, handlers
        self.codings = [*self.connect_photo(), *self.connect_changes()]

    def connect_begin(self, arrival: Arrival, config: CodecConfig) -> None:
        """Connect what makes a link, and what a page begins with: a link, or a visit's work.

        Args:
            arrival: How the page begins.
            config: Of the networks.
        """
        tab, file = self._tab, self._tab.file
        handlers = ResumeHandlers(tab, self._handlers, config, arrival)
        values, script = [*tab.linked.values(), tab.example], link_script(tab.link_keys)
        named = tab.link_button.click(handlers.name_example, {tab.session}, tab.example, **QUICK)
        made = named.then(None, values, tab.link, js=script, **QUICK)
        made.then(lambda: gr.update(visible=True), None, tab.link, **QUICK)
        linked = arrival.event.then(
            handlers.follow_link,
            {arrival.how},
            [*tab.linked.values(), tab.panel.preset, file.photo],
            **QUICK | {"queue": True},  # Gradio shows no error of an event outside it
        )
        self.rest_after(linked)
        received = linked.success(
            self._cancellation.once_read(handlers.receive),
            {file.photo, tab.panel.auto, *tab.panel.settings.values(), *self._wanted},
            [tab.session, tab.request_id, file.photo, *self._received],
            show_progress="hidden",
            api_visibility="private",
            concurrency_id="uploads",
            concurrency_limit=4,
        )
        self._encode(
            received.success(
                self._handlers.wait_for_file, self._wanted, tab.panel.buttons.all, **QUICK
            )
        )

    def connect_photo(self) -> list[Event]:
        """Connect what brings a photograph, or takes it away; return what makes its file."""
        tab, file, handlers = self._tab, self._tab.file, self._handlers
        chosen, begun, codings = [file.photo.upload], list[Any](), []
        if file.gallery is not None:
            chosen.append(file.gallery.load_input_event.then)
        for choose in chosen:
            received = choose(
                self._cancellation.once_read(handlers.receive),
                {file.photo},
                [tab.session, tab.request_id, file.photo, *self._received],
                show_progress="hidden",
                api_visibility="private",
                concurrency_id="uploads",
                concurrency_limit=4,
                **LATEST,
            )
            received.failure(handlers.restore, {tab.session}, file.photo, **QUICK)
            begun.append(received.success)
        resized = self.request(file.size.input, RequestKind.PHOTO).then(
            handlers.resize, {tab.session, file.size}, [tab.session, *self._received], **QUICK
        )
        for begin in (*begun, resized.success):
            ready = begin(
                handlers.prepare,
                self._wanted,
                [*self._busy, tab.panel.outdated, tab.column],
                **QUICK,
            )
            codings.append(self._encode(ready))
        gone = file.photo.clear(
            self._cancellation.ending_all(handlers.forget),
            {file.photo},  # so that the visit remembers that it is gone
            [
                *(tab.session, tab.request_id, tab.facts, file.size, file.tags, tab.dicmh_file),
                *(tab.status, *tab.pictures, *tab.columns, tab.panel.outdated),
            ],
            **QUICK,
        )
        self.rest_after(gone)
        return codings

    def connect_changes(self) -> list[Event]:
        """Connect what asks for another file of the same photograph; return what makes it."""
        tab, file, handlers = self._tab, self._tab.file, self._handlers
        changes = [
            *(file.quality.change, file.target_bytes.submit, file.iterations.change),
            *(file.mode.input, file.tags.input, file.send_tags.input),
        ]
        changed = gr.on(
            changes,
            # A link sets them before its photograph is read, whose file is made as they are then.
            self._cancellation.request_or_end(RequestKind.FILE, handlers.has_photo),
            {tab.session},
            tab.request_id,
            **QUICK,
            **LATEST,
        )
        # The field tells an input when it is only left, too; at "select" its value is the old one.
        added = file.add_tag.input(
            self._cancellation.request_if(RequestKind.FILE, handlers.adds_tag),
            {tab.session, file.add_tag},
            tab.request_id,
            **QUICK,
        ).then(
            handlers.add_tag,
            {tab.session, file.tags, file.add_tag},
            [tab.session, file.tags, file.add_tag],
            **QUICK,
        )
        return [
            self._encode(
                then(
                    handlers.wait_for_file,
                    self._wanted,
                    tab.panel.buttons.all,
                    **QUICK,
                )
            )
            for then in (changed.success, added.then)
        ]

    @property
    def _received(self) -> list[Component]:
        """What changes with the photograph."""
        tab = self._tab
        shown = [tab.viewer.html, tab.strip, tab.facts, tab.picture_file]
        return [*shown, *tab.columns, tab.file.size]

    @property
    def _wanted(self) -> set[Component]:
        """What decides the file."""
        tab, file = self._tab, self._tab.file
        return {tab.session, file.tags, *file.linked.values()}

    def _encode(self, event: Event) -> Event:
        """Encode, then decode if the visitor wants that automatically."""
        tab, file, handlers = self._tab, self._tab.file, self._handlers
        encoded = event.then(
            self._cancellation.until_next(handlers.encode, RequestKind.FILE),
            {tab.request_id, *self._wanted},
            [tab.session, tab.facts, file.tags, tab.dicmh_file, *self._busy, tab.column],
            show_progress_on=tab.panel.buttons.progress,
            **LATEST,
            **WORKING,
        )
        self.rest_after(encoded)
        encoded.failure(
            handlers.explain_failure,
            {tab.session},
            [tab.facts, file.tags, tab.dicmh_file, tab.status, *tab.columns],
            **QUICK,
        )
        shown = encoded.success(handlers.show_column, {tab.session}, tab.columns, **QUICK)
        self.decode_after(shown.then)
        return encoded

    def connect_history(self) -> None:
        """Compare the newest result with the one that is clicked."""
        tab = self._tab
        tab.strip.click(
            self._handlers.results.choose,
            {tab.session, tab.history},
            [tab.chosen, *self._results],
            **QUICK,
        )

    @property
    def _results(self) -> list[Component]:
        return [self._tab.viewer.html, self._tab.status, self._tab.strip]

    @property
    def _inputs(self) -> set[Component]:
        return super()._inputs | {self._tab.history}

    def _decode(self, event: Event, *, automatically: bool) -> Event:
        """Decode, and measure the picture once it is on the page."""
        tab, handlers = self._tab, self._handlers.results
        decoded = super()._decode(event, automatically=automatically)
        known = decoded
        for learn in (handlers.measure, handlers.find_boxes):
            learned = known.success(
                self._cancellation.until_next(learn, RequestKind.PICTURE),
                {tab.request_id, tab.session, tab.history},
                tab.history,
                **(WORKING | LATEST | {"show_progress": "hidden"}),
            )
            # What is chosen is read now: it may be another result than before the measuring.
            known = learned.success(
                handlers.show_known,
                {tab.session, tab.history, tab.chosen},
                [tab.viewer.html, tab.status],
                **QUICK,
            )
        return decoded
