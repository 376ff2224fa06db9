"""What the events of the decode tab do."""

from collections.abc import Iterator
from contextlib import closing

import gradio as gr

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.file_facts import FileFacts, draw_file
from difficmh_core.ui.components.progress import draw_progress
from difficmh_core.ui.components.result import Result, draw_result
from difficmh_core.ui.decode import texts as words
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values
from difficmh_core.ui.runtime.gpu import decode_duration_s, with_gpu
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import OpenedFile, UploadStore


class DecodeHandlers:
    """The events of one page."""

    def __init__(self, tab: DecodeTab, service: CodecService, uploads: UploadStore) -> None:
        """Take the components of the tab, and what all visitors share."""
        self._tab, self._service, self._uploads = tab, service, uploads
        self._decode = with_gpu(self._decode_now, self._decode_s)

    @with_errors
    def check(self, values: Values) -> Iterator[Updates]:
        """Check a .dicmh file and tell what is in it."""
        codec, opened = self._service.codec, self._open(values)
        stream = opened.stream
        facts = FileFacts(
            n_bytes=opened.n_bytes,
            size_px=(stream.height_px, stream.width_px),
            section_bits=codec.verify(stream),
        )
        tags = ", ".join(codec.vocabulary.name_of(tag) for tag in stream.tag_ids)
        size = words.PICTURE_SIZE.format(width=stream.width_px, height=stream.height_px)
        rows = (
            (words.FACT_PICTURE, size),
            (texts.FACT_TAGS, tags or texts.NO_TAGS),
            (words.FACT_QUALITY, words.QUALITY_VALUE.format(quality=stream.quality))
            if stream.rate is None
            else (words.FACT_RATE, str(stream.rate)),
            (texts.FACT_PROFILE, stream.profile),
            (texts.FACT_MODEL, stream.fingerprint.hex()),
            (words.FACT_CHECKSUM, f"{stream.checksum:08x}"),
        )
        yield {self._tab.facts: draw_file(facts) + html.draw_facts(rows)}

    @with_errors
    def decode(self, values: Values) -> Iterator[Updates]:
        """Decode the file, step by step."""
        tab, opened = self._tab, self._open(values)
        with closing(self._decode(opened, tab.panel.read(values))) as states:
            for state in states:
                if state.image is None:
                    yield self._show_step(state)
                else:
                    yield self._show_picture(state, opened)

    def is_wanted(self, values: Values) -> bool:
        """Tell whether there is a file that is decoded without being asked for."""
        return bool(values[self._tab.panel.auto]) and values[self._tab.file] is not None

    @with_errors
    def decode_automatically(self, values: Values) -> Iterator[Updates]:
        """Decode the file if the visitor wants that without being asked."""
        if self.is_wanted(values):
            yield from self.decode(values)

    def wait(self) -> Updates:
        """Say that the decoding waits for the model."""
        return self._tab.buttons.waiting() | {self._tab.status: ""}

    def wait_if_wanted(self, values: Values) -> Updates:
        """Say so if the decoding starts automatically; otherwise offer to start it."""
        if self.is_wanted(values):
            return self.wait()
        start = self._tab.buttons.start
        return {start: gr.update(interactive=values[self._tab.file] is not None)}

    def rest(self, values: Values) -> Updates:
        """Offer to decode, if there is a file."""
        return self._tab.buttons.idle(can_start=values[self._tab.file] is not None)

    def stop(self, values: Values) -> Updates:
        """Say that the decoding was stopped; it ends with the step that is under way."""
        return self.rest(values) | {self._tab.status: html.draw_message(texts.STOPPED)}

    def clear(self) -> Updates:
        """Forget what is shown of a file: another one comes, or none."""
        tab = self._tab
        return tab.buttons.idle(can_start=False) | {
            tab.facts: "",
            tab.status: "",
            tab.picture: gr.update(visible=False),
            tab.picture_file: gr.update(visible=False),
        }

    @with_errors
    def _decode_now(self, opened: OpenedFile, settings: DecodeSettings) -> Iterator[Decoding]:
        yield from self._service.decode(opened.stream, settings)

    @staticmethod
    def _decode_s(opened: OpenedFile, settings: DecodeSettings) -> int:
        return decode_duration_s(settings, opened.stream.height_px * opened.stream.width_px)

    def _show_step(self, state: Decoding) -> Updates:
        progress = draw_progress(state.index, state.total, state.seconds)
        updates = self._tab.buttons.at_work(progress)
        updates[self._tab.picture_file] = gr.update(visible=False)
        if state.preview is not None:
            path = self._service.save_preview(state.preview)
            updates[self._tab.picture] = gr.update(value=path, label=texts.PREVIEW, visible=True)
        return updates

    def _show_picture(self, state: Decoding, opened: OpenedFile) -> Updates:
        picture = self._service.save(state.png, f"{opened.name}-decoded.png")
        result = Result(
            n_bytes=opened.n_bytes,
            bpp=opened.stream.bpp,
            steps=state.total,
            seconds=state.seconds,
            was_kept=state.was_kept,
        )
        return {
            self._tab.picture: gr.update(value=picture, label=texts.DECODED, visible=True),
            self._tab.status: draw_result(result),
            self._tab.picture_file: gr.update(value=picture, visible=True),
        }

    def _open(self, values: Values) -> OpenedFile:
        file = values[self._tab.file]
        if file is None:
            raise shown_error(words.CHOOSE_FILE)
        return self._uploads.open_file(file)
