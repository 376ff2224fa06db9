"""What happens when on the compress tab: which event follows which, and what ends it."""

from pathlib import Path

import gradio as gr

from difficmh_core.config.profiles import presets_of
from difficmh_core.ui.components.decoding import DecodingEvents
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.links import link_script, name_examples_script, read_link
from difficmh_core.ui.runtime.cancellation import RequestKind
from difficmh_core.ui.runtime.events import LATEST, QUICK, Event, Updates
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore


def connect_compress_tab(
    demo: gr.Blocks, tab: CompressTab, service: CodecService, uploads: UploadStore
) -> list[Event]:
    """Connect the components of the tab; return what makes another file."""
    _connect_link(demo, tab, service)
    events = _CompressEvents(tab, CompressHandlers(tab, service, uploads))
    codings = [*events.connect_photo(), *events.connect_changes()]
    events.connect_decoding()
    return codings


def _connect_link(demo: gr.Blocks, tab: CompressTab, service: CodecService) -> None:
    """Make a link to the settings, and restore those of the link that led here."""
    linked, config = tab.linked, service.codec.config
    tab.link_button.click(
        None, [*linked.values()], tab.link, js=link_script(list(linked)), **QUICK
    ).then(lambda: gr.update(visible=True), None, tab.link, **QUICK)

    def restore(request: gr.Request) -> Updates:
        can_optimize = config.rate_weights is not None
        presets = presets_of(config.profile)
        restored = read_link(dict(request.query_params), presets, can_optimize=can_optimize)
        places = linked | {"preset": tab.panel.preset}
        return {places[key]: value for key, value in restored.items()} or gr.skip()

    # In the queue, since Gradio shows no error of an event outside it.
    demo.load(restore, None, [*linked.values(), tab.panel.preset], **QUICK | {"queue": True})
    names = [Path(example).stem for example in tab.file.examples]
    demo.load(None, js=name_examples_script(names), **QUICK)


class _CompressEvents(DecodingEvents):
    """The events of one tab; every heavy one brings the number of the request that led to it."""

    def __init__(self, tab: CompressTab, handlers: CompressHandlers) -> None:
        super().__init__(tab, handlers)
        self._tab, self._handlers = tab, handlers

    def connect_photo(self) -> list[Event]:
        """Connect what brings a photograph, or takes it away; return what makes its file."""
        tab, file, handlers = self._tab, self._tab.file, self._handlers
        chosen, codings = [file.photo.upload], []
        if file.gallery is not None:
            chosen.append(file.gallery.load_input_event.then)
        restored = [file.photo, tab.status, tab.column]
        for choose in chosen:
            cleared = self.request(choose, RequestKind.PHOTO).then(
                handlers.prepare,
                outputs=[*self._busy, *tab.pictures],
                **QUICK,
            )
            received = cleared.then(
                handlers.receive,
                {file.photo},
                [tab.session, file.photo],
                show_progress="hidden",
                api_visibility="private",
                concurrency_id="uploads",
                concurrency_limit=4,
            )
            ready = received.success(
                handlers.wait_for_first,
                {file.iterations},
                [*tab.panel.buttons.all, tab.column],
                **QUICK,
            )
            encoded = self._encode(ready)
            for event in (received, encoded):
                event.failure(handlers.restore, {tab.session}, restored, **QUICK)
            received.failure(handlers.rest, {tab.session}, tab.panel.buttons.all, **QUICK)
            codings.append(encoded)
        gone = self.request(file.photo.clear, RequestKind.PHOTO).then(
            handlers.forget,
            outputs=[
                *(tab.session, tab.facts, file.tags, tab.dicmh_file),
                *(tab.status, *tab.pictures, tab.column),
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
            self._cancellation.request(RequestKind.FILE),
            outputs=tab.request_id,
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
                asked.then(
                    handlers.wait_for_file,
                    {tab.session, file.iterations},
                    [*tab.panel.buttons.all, tab.preview],
                    **QUICK,
                )
            )
            for asked in (changed, added)
        ]

    def _encode(self, event: Event) -> Event:
        """Encode, then decode if the visitor wants that automatically."""
        tab, file, handlers = self._tab, self._tab.file, self._handlers
        encoded = event.then(
            self._cancellation.until_next(handlers.encode, RequestKind.FILE),
            {tab.request_id, tab.session, file.tags, *file.linked.values()},
            [tab.session, tab.facts, file.tags, tab.dicmh_file, *self._busy, tab.column],
            show_progress_on=tab.facts,
            **LATEST,
            **WORKING,
        )
        self.rest_after(encoded)
        shown = encoded.success(handlers.show_column, {tab.session}, tab.column, **QUICK)
        self.decode_after(shown.then)
        return encoded
