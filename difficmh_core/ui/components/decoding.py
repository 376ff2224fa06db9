"""Decoding a file on the page: what it shows, and which event follows which, on every tab."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Generic, TypeVar

import gradio as gr

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.image_io import to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoder_controls import DecodePanel
from difficmh_core.ui.components.file_facts import draw_result
from difficmh_core.ui.components.job_buttons import WORKING
from difficmh_core.ui.components.progress import draw_progress
from difficmh_core.ui.runtime.cancellation import Cancellation, RequestKind
from difficmh_core.ui.runtime.errors import with_errors
from difficmh_core.ui.runtime.events import (
    LATEST,
    QUICK,
    Component,
    Event,
    Updates,
    Values,
    after_all,
    unchanged,
)
from difficmh_core.ui.runtime.gpu import decode_duration_s, with_gpu
from difficmh_core.ui.runtime.requests import read_settings
from difficmh_core.ui.runtime.service import CodecService, Decoding, png_of
from difficmh_core.ui.runtime.uploads import OpenedFile, Photo, UploadStore


class DecodingTab:
    """The components of a tab that decodes.

    Attributes:
        request_id: Number of the last request, see :class:`Cancellation`.
        panel: The controls.
        status: What came of it, in numbers or in a sentence.
        preview: The picture while it is being decoded.
        picture_file: The decoded picture to download.
        source: Holds what is decoded.
        decoded: What changes with the picture, beside the buttons and the status.
    """

    request_id: gr.Number
    panel: DecodePanel
    status: gr.HTML
    preview: gr.Image
    picture_file: gr.DownloadButton
    source: Component
    decoded: Sequence[Component]

    def _draw_picture_file(self, elem_id: str) -> gr.DownloadButton:
        return gr.DownloadButton(
            texts.DOWNLOAD_PICTURE, size="sm", visible=False, elem_id=elem_id, elem_classes="save"
        )


Tab = TypeVar("Tab", bound=DecodingTab)


class DecodingHandlers(ABC, Generic[Tab]):
    """What the events of a decoding do."""

    def __init__(self, tab: Tab, service: CodecService, uploads: UploadStore) -> None:
        self._tab, self._service, self._uploads = tab, service, uploads
        self._buttons = tab.panel.buttons
        self._decode = with_gpu(self._decode_now, _decode_s)

    @abstractmethod
    def has_file(self, values: Values) -> bool:
        """Tell whether there is a file."""

    @abstractmethod
    def is_wanted(self, values: Values) -> bool:
        """Tell whether a file is decoded without being asked for."""

    @abstractmethod
    def _open(self, values: Values) -> tuple[OpenedFile, Photo | None]:
        """Find the file, and the photograph that it was made of, where it is known.

        Raises:
            gr.Error: If there is no file.
        """

    @abstractmethod
    def _show_picture(self, values: Values, picture: str, settings: DecodeSettings) -> Updates:
        """Show a decoded picture; a tab without its photograph needs the picture only.

        Args:
            values: Of the event.
            picture: Where it lies.
            settings: How it was decoded.
        """

    @with_errors
    def decode(self, values: Values) -> Iterator[Updates]:
        """Decode the file, step by step, and compare it with the photograph where it is known."""
        file, photo = self._open(values)
        settings = read_settings(self._tab.panel.controls(values))
        with closing(self._decode(file.stream, settings, photo)) as states:
            for state in states:
                if state.image is None:
                    yield self._show_step(state)
                    continue
                picture = self._service.save(state.png, f"{file.name}-decoded.png")
                yield {
                    self._tab.status: draw_result(file.stream, state),
                    self._tab.picture_file: gr.update(value=picture, visible=True),
                    **self._show_picture(values, picture, settings),
                }

    @with_errors
    def decode_automatically(self, values: Values) -> Iterator[Updates]:
        """Decode the file if the visitor wants that without being asked."""
        if self.is_wanted(values):
            yield from self.decode(values)

    def wait(self) -> Updates:
        """Say that the decoding waits for the model."""
        return self._buttons.waiting() | {self._tab.status: ""}

    def wait_if_wanted(self, values: Values) -> Updates:
        """Say so if the decoding starts automatically."""
        return self.wait() if self.is_wanted(values) else unchanged()

    def rest(self, values: Values) -> Updates:
        """Offer to decode, if there is a file."""
        return self._buttons.idle(can_start=self.has_file(values))

    def stop(self, values: Values) -> Updates:
        """Say that work was stopped; it ends with the step that is under way."""
        return self.rest(values) | {self._tab.status: html.draw_message(texts.STOPPED)}

    def _show_step(self, state: Decoding) -> Updates:
        progress = draw_progress(state.index, state.total, state.seconds)
        updates = self._buttons.at_work(progress)
        updates[self._tab.picture_file] = gr.update(visible=False)
        if state.preview is not None:
            # Gradio would write it, too, but could not say that the disk is full.
            path = self._service.save(png_of(state.preview), "preview.png")
            updates[self._tab.preview] = gr.update(value=path, label=texts.PREVIEW, visible=True)
        return updates

    @with_errors
    def _decode_now(
        self, stream: Bitstream, settings: DecodeSettings, photo: Photo | None
    ) -> Iterator[Decoding]:
        """Yield the state of decoding; the last one knows how close the picture is."""
        original = None if photo is None else self._uploads.load(photo)
        for state in self._service.decode(stream, settings):
            if state.image is None or original is None:
                yield state
                continue
            decibel = psnr_db(to_tensor(original), to_tensor(state.image)).item()
            yield replace(state, psnr_db=decibel)


class DecodingEvents:
    """The events of a decoding; every one brings the number of the request that led to it."""

    def __init__(self, tab: DecodingTab, handlers: DecodingHandlers[Any]) -> None:
        self._cancellation = Cancellation(tab.request_id)
        self._panel, self._decoding = tab.panel, handlers
        self._source, self._request_id = tab.source, tab.request_id
        self._busy = [*tab.panel.buttons.all, tab.status]
        """What says that work waits."""
        self._decoded = [*self._busy, *tab.decoded]

    def connect_decoding(self) -> None:
        """Connect what asks for another picture of the same file, or for nothing more."""
        panel, handlers = self._panel, self._decoding
        clicked = panel.buttons.start.click(handlers.wait, outputs=self._busy, **QUICK)
        self._decode(clicked, automatically=False)
        # A choice ends the running decoding, if another one follows automatically.
        chosen = gr.on(
            panel.choices,
            self._cancellation.request_if(RequestKind.PICTURE, lambda values: values[panel.auto]),
            {panel.auto},
            self._request_id,
            **QUICK,
            **LATEST,
        )
        for touched in (chosen, gr.on(panel.releases, lambda: None, **QUICK, **LATEST)):
            self.decode_after(touched.then)
        stopped = self.request(panel.buttons.stop.click, RequestKind.PHOTO)
        stopped.then(handlers.stop, {self._source}, self._busy, **QUICK)

    def request(self, event: Event, kind: RequestKind) -> Event:
        """Note what a visitor asks for."""
        noted = self._cancellation.request(kind)
        return event(noted, outputs=self._request_id, **QUICK, **LATEST)

    def decode_after(self, event: Event) -> None:
        """Decode if the visitor wants that automatically."""
        waited = event(self._decoding.wait_if_wanted, self._inputs, self._busy, **QUICK)
        self._decode(waited, automatically=True)

    def rest_after(self, event: Event) -> None:
        """Offer to decode once an event has ended."""
        after_all(event, self._decoding.rest, {self._source}, self._panel.buttons.all)

    @property
    def _inputs(self) -> set[Component]:
        return {self._source, self._panel.auto, *self._panel.settings.values()}

    def _decode(self, event: Event, *, automatically: bool) -> None:
        handlers = self._decoding
        decode = handlers.decode_automatically if automatically else handlers.decode
        decoded = event.then(
            self._cancellation.until_next(decode, RequestKind.PICTURE),
            {self._request_id, *self._inputs},
            self._decoded,
            show_progress_on=self._panel.buttons.progress,
            **LATEST,  # it waits until the running one has ended
            **WORKING,
        )
        self.rest_after(decoded)


def _decode_s(stream: Bitstream, settings: DecodeSettings, _: Photo | None) -> int:
    return decode_duration_s(settings, stream.height_px * stream.width_px)
