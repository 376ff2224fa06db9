"""What happens when on the compress tab: which event follows which, and what ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from difficmh_core.config.decoding import CONTROL_NAMES
from difficmh_core.errors import ConfigError
from difficmh_core.ui.components import button_states
from difficmh_core.ui.components.decoder_controls import MODEL, QUICK, DecodePanel, after_all
from difficmh_core.ui.compress.file_column import FileColumn
from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.runtime.cancellation import Turns, Wish
from difficmh_core.ui.runtime.gpu import MIN_S, decode_duration_s, encode_duration_s, with_gpu
from difficmh_core.ui.runtime.session import Session, by_name, read_settings

__all__ = ["CompressEvents", "Stage"]

RECEIVING: dict[str, Any] = {"concurrency_id": "uploads", "concurrency_limit": 4}
_LAST: dict[str, Any] = {"trigger_mode": "always_last"}
"""Of wishes that follow each other quickly, the last counts; "once" would drop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The components that show what came of it."""

    facts: gr.HTML
    column: gr.Column
    dicmh_file: gr.DownloadButton
    progress: gr.HTML
    status: gr.HTML
    preview: gr.Image
    comparison: gr.ImageSlider
    picture_file: gr.DownloadButton


class CompressEvents:
    """The events of one tab; every heavy one brings the ticket of the wish that led to it."""

    def __init__(
        self,
        handlers: CompressHandlers,
        session: gr.State,
        file: FileColumn,
        stage: Stage,
        panel: DecodePanel,
    ) -> None:
        """Take what they connect; inside the layout of the tab."""
        self._handlers, self._session = handlers, session
        self._file, self._stage, self._panel = file, stage, panel
        self._turns = Turns()
        # Read in the browser when an event is asked for; a gr.State is read when it begins.
        self._ticket = gr.Number(0, visible="hidden", elem_id="compress-ticket")
        self._busy = [panel.decode, panel.stop, stage.progress]

    def connect(self) -> list[Any]:
        """Say what happens when; return the events after which there is another file."""
        changed = [*self._connect_photo(), *self._connect_changes()]
        self._connect_decoding()
        return changed

    def _ask(self, event: Any, wish: Wish) -> Any:  # noqa: ANN401 (no type)
        return event(self._turns.ask(wish), outputs=self._ticket, **QUICK, **_LAST)

    def _unlock_after(self, event: Any) -> None:  # noqa: ANN401 (no type)
        after_all(event, button_states.unlock, self._session, self._busy)

    def _connect_photo(self) -> list[Any]:
        """Connect what brings a photograph or takes it away."""
        file, stage, session, handlers = self._file, self._stage, self._session, self._handlers
        shown = [stage.status, stage.preview, stage.comparison, stage.picture_file]
        chosen, codings = [file.photo.upload], []
        if file.gallery is not None:
            chosen.append(file.gallery.load_input_event.then)
        for choose in chosen:
            asked = self._ask(choose, Wish.PHOTO)
            cleared = asked.then(button_states.clear, outputs=[*self._busy, *shown], **QUICK)
            received = cleared.then(
                handlers.receive,
                file.photo,
                [session, file.photo],
                show_progress="hidden",
                api_visibility="private",
                **RECEIVING,
            )
            *_, passes = file.coding
            ready = received.success(
                button_states.lock_for_first, passes, [*self._busy, stage.column], **QUICK
            )
            encoded = self._code(ready.then, handlers.encode, file.coding)
            restored = [file.photo, stage.status, stage.column]
            for event in (received, encoded):
                event.failure(handlers.restore, session, restored, **QUICK)
            received.failure(button_states.unlock, session, self._busy, **QUICK)
            codings.append(encoded)
        gone = self._ask(file.photo.clear, Wish.PHOTO).then(
            handlers.forget,
            outputs=[session, stage.facts, file.tags, stage.dicmh_file, *shown, stage.column],
            **QUICK,
        )
        self._unlock_after(gone)
        return codings

    def _connect_changes(self) -> list[Any]:
        """Connect what asks for another file of the same photograph."""
        file, session = self._file, self._session
        mode, quality, target, send_tags, passes = file.coding
        changes = [
            *(quality.change, target.submit, passes.change),
            *(mode.input, file.tags.input, send_tags.input),
        ]
        # The field tells an input when it is only left, too; at "select" its value is the old one.
        added = file.add_tag.input(
            self._turns.ask_if(Wish.FILE, self._handlers.adds_tag),
            [session, file.add_tag],
            self._ticket,
            **QUICK,
        ).then(
            self._handlers.add_tag,
            [session, file.tags, file.add_tag],
            [session, file.tags, file.add_tag],
            **QUICK,
        )
        codings = []
        for asked in (
            gr.on(changes, self._turns.ask(Wish.FILE), outputs=self._ticket, **QUICK, **_LAST),
            added,
        ):
            locked = asked.then(
                button_states.lock_for_encoding,
                [session, passes],
                [*self._busy, self._stage.preview],
                **QUICK,
            )
            wishes = [file.tags, *file.coding]
            codings.append(self._code(locked.then, self._handlers.recode, wishes))
        return codings

    def _connect_decoding(self) -> None:
        """Connect what asks for another picture of the same file, or for nothing more."""
        panel, status = self._panel, self._stage.status
        clicked = panel.decode.click(
            button_states.lock_for_decoding, outputs=[*self._busy, status], **QUICK
        )
        self._decode(clicked.then, self._handlers.decode, [])
        # A choice ends the running decoding, if another one follows by itself.
        chosen = gr.on(
            panel.choices,
            self._turns.ask_if(Wish.PICTURE),
            panel.auto,
            self._ticket,
            **QUICK,
            **_LAST,
        )
        for touched in (chosen, gr.on(panel.releases, lambda: None, **QUICK, **_LAST)):
            self._decode_after(touched.then)
        stopped = self._ask(panel.stop.click, Wish.PHOTO)
        stopped.then(button_states.stop, self._session, [*self._busy, status], **QUICK)

    def _code(self, event: Any, handler: Any, wishes: Sequence[Any]) -> Any:  # noqa: ANN401
        """Code, then decode if the visitor wants that by itself."""
        stage, session = self._stage, self._session
        coded = event(
            self._turns.until_next(with_gpu(handler, _encoding_s), Wish.FILE),
            [self._ticket, session, *wishes],
            [
                *(session, stage.facts, self._file.tags, stage.dicmh_file),
                *(stage.status, stage.column, *self._busy),
            ],
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=stage.facts,
            **_LAST,
            **MODEL,
        )
        self._unlock_after(coded)
        shown = coded.success(button_states.show_if_there, session, stage.column, **QUICK)
        self._decode_after(shown.then)
        return coded

    def _decode_after(self, event: Any) -> None:  # noqa: ANN401 (Gradio's events have no type)
        """Decode if the visitor wants that by itself, and sees another picture."""
        wishes = [self._panel.auto, self._session, *self._panel.settings]
        locked = event(
            button_states.lock_if_wanted, wishes, [*self._busy, self._stage.status], **QUICK
        )
        self._decode(locked.then, self._handlers.decode_by_itself, [self._panel.auto])

    def _decode(self, event: Any, handler: Any, wishes: Sequence[Any]) -> None:  # noqa: ANN401
        stage = self._stage
        decoded = event(
            self._turns.until_next(with_gpu(handler, _duration_s), Wish.PICTURE),
            [self._ticket, *wishes, self._session, *self._panel.settings],
            [
                *(self._session, stage.preview, stage.comparison),
                *(stage.status, stage.picture_file, *self._busy),
            ],
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=stage.progress,
            **_LAST,
            **MODEL,
        )
        self._unlock_after(decoded)


def _encoding_s(*arguments: Any) -> int:  # noqa: ANN401 (as the events get them)
    """Return for how long an encoding borrows the GPU [s]."""
    session = next(item for item in arguments if isinstance(item, Session))
    if session.photo is None:
        return encode_duration_s(0, 0)
    passes = arguments[-1] if isinstance(arguments[-1], int | float) else 0
    with Image.open(session.photo.path) as image:
        return encode_duration_s(int(passes), image.width * image.height)


def _duration_s(*arguments: Any) -> int:  # noqa: ANN401 (as the events get them)
    """Return for how long a decoding borrows the GPU [s]."""
    session = next(item for item in arguments if isinstance(item, Session))
    stream = session.encoded.stream if session.encoded else None
    n_pixels = stream.height_px * stream.width_px if stream else 0
    try:
        settings = read_settings(by_name(arguments[-len(CONTROL_NAMES) :]))
    except ConfigError:
        return MIN_S  # nothing is decoded: the event says what is wrong
    return decode_duration_s(settings, n_pixels)
