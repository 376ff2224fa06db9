"""What the events of the decode tab do."""

from collections.abc import Iterator

import gradio as gr

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.components.decoding import DecodingHandlers
from difficmh_core.ui.components.file_facts import draw_file
from difficmh_core.ui.decode import texts as words
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values
from difficmh_core.ui.runtime.uploads import OpenedFile


class DecodeHandlers(DecodingHandlers[DecodeTab]):
    """The events of one page."""

    @with_errors
    def check(self, values: Values) -> Iterator[Updates]:
        """Check a .dicmh file, tell what is in it, and offer to decode it."""
        codec, (opened, _) = self._service.codec, self._open(values)
        stream = opened.stream
        drawn = draw_file(stream, codec.verify(stream))
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
        yield {
            self._tab.facts: drawn + html.draw_facts(rows),
            self._buttons.start: gr.update(interactive=True),
        }

    def has_file(self, values: Values) -> bool:
        """Tell whether there is a file."""
        return values[self._tab.file] is not None

    def is_wanted(self, values: Values) -> bool:
        """Tell whether there is a file that is decoded without being asked for."""
        return bool(values[self._tab.panel.auto]) and self.has_file(values)

    def clear(self) -> Updates:
        """Forget what is shown of a file: another one comes, or none."""
        tab = self._tab
        return self._buttons.idle(can_start=False) | {
            tab.facts: "",
            tab.status: "",
            tab.picture: gr.update(visible=False),
            tab.picture_file: gr.update(visible=False),
        }

    def _open(self, values: Values) -> tuple[OpenedFile, None]:
        file = values[self._tab.file]
        if file is None:
            raise shown_error(words.CHOOSE_FILE)
        return self._uploads.open_file(file), None

    def _show_picture(self, values: Values, picture: str, settings: DecodeSettings) -> Updates:
        return {self._tab.picture: gr.update(value=picture, label=texts.DECODED, visible=True)}
