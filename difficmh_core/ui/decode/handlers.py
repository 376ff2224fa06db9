"""Events of the tab that decodes a file."""

from collections.abc import Iterator

import gradio as gr

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.networks import QUALITY_MAX
from difficmh_core.encoding import QUALITY_LEVELS
from difficmh_core.ui import texts
from difficmh_core.ui.components import button_states, html
from difficmh_core.ui.runtime.errors import toast, with_toasts
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Update, by_name, read_settings
from difficmh_core.ui.runtime.uploads import OpenedFile, UploadStore

__all__ = ["DecodeFileHandlers"]

Decoded = tuple[Update, Update | str, Update, Update, Update, Update]
"""The picture, the status, the picture to download, the buttons and the progress."""


class DecodeFileHandlers:
    """The events of one page."""

    def __init__(self, service: CodecService, uploads: UploadStore) -> None:
        """Take what all visitors share."""
        self._service, self._uploads = service, uploads
        self._codec = service.codec
        self._decode = with_gpu(self._decode_now, MAX_S)

    @with_toasts
    def info(self, file: str | None) -> Iterator[str]:
        """Check a .dicmh file and tell what is in it."""
        opened = self._open(file)
        stream = opened.stream
        section_bits = self._codec.verify(stream)
        facts = html.FileFacts(
            n_bytes=opened.n_bytes,
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
        yield html.draw_file(facts) + html.draw_facts(rows)

    @with_toasts
    def decode(self, file: str | None, *controls: float | str) -> Iterator[Decoded]:
        """Decode a .dicmh file, step by step."""
        opened = self._open(file)  # here: a process that borrows a GPU knows no new uploads
        settings = read_settings(by_name(controls))
        yield from self._decode(opened, settings)

    def _decode_now(self, opened: OpenedFile, settings: DecodeSettings) -> Iterator[Decoded]:
        stream = opened.stream
        for state in self._service.decode(stream, settings):
            if state.image is None:
                preview = gr.skip()
                if state.preview is not None:
                    path = self._service.save_preview(state.preview)
                    preview = gr.update(value=path, label=texts.PREVIEW, visible=True)
                progress = html.draw_progress(state.index, state.total, state.seconds)
                hidden = gr.update(visible=False)
                yield preview, gr.skip(), hidden, *button_states.lock_at_step(progress)
                continue
            picture = self._service.save(state.png, f"{opened.name}-decoded.png")
            result = html.Result(
                n_bytes=stream.n_bytes,
                bpp=stream.bpp,
                steps=state.total,
                seconds=state.seconds,
                was_kept=state.was_kept,
            )
            yield (
                gr.update(value=picture, label=texts.DECODED, visible=True),
                html.draw_result(result),
                gr.update(value=picture, visible=True),
                *[gr.skip()] * 3,
            )

    @with_toasts
    def decode_by_itself(
        self, is_wanted: bool, file: str | None, *controls: float | str
    ) -> Iterator[Decoded]:
        """Decode the file if the visitor wants that without being asked."""
        if is_wanted and file is not None:
            yield from self.decode(file, *controls)
        else:
            yield gr.skip()  # a bare return empties them

    def _open(self, file: str | None) -> OpenedFile:
        if file is None:
            raise toast(texts.CHOOSE_FILE)
        return self._uploads.open_file(file)
