"""What the events of the compress tab's results do: a picture is shown, measured and compared."""

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.history import History, Result, thumbnail_of
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.results import (
    BEFORE,
    DECODED,
    ORIGINAL,
    draw_history,
    draw_numbers,
    figures_of,
    number_of,
    preview_figures,
)
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import Updates, Values, unchanged
from difficmh_core.ui.runtime.measures import Measures, boxes_of, measure_picture
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo, UploadStore
from difficmh_core.ui.runtime.worker import on_model_thread
from difficmh_core.ui.viewer.metrics import original_figure


class ResultHandlers:
    """The events of the results of one page."""

    def __init__(self, tab: CompressTab, service: CodecService, uploads: UploadStore) -> None:
        self._tab, self._service, self._uploads = tab, service, uploads
        self._measure = on_model_thread(measure_picture)
        self._find_boxes = on_model_thread(boxes_of)

    def show_photo(self, photo: Photo) -> Updates:
        """Show a photograph that nothing has been made of yet."""
        tab = self._tab
        figures = [original_figure(photo.path)]
        return {
            tab.viewer.html: tab.viewer.draw(figures, photo.size_px),
            tab.strip: "",
            tab.facts: "",
            tab.picture_file: gr.update(visible=False),
        }

    def show_preview(self, session: Session, preview: str, state: Decoding) -> Updates:
        """Show the picture of a step beside the photograph."""
        if session.photo is None:
            return {}
        tab, photo = self._tab, session.photo
        figures = preview_figures(photo.path, preview, state.index, state.total)
        return {tab.viewer.html: tab.viewer.draw(figures, photo.size_px)}

    def show_new(
        self,
        values: Values,
        photo: Photo,
        stream: Bitstream,
        picture: str,
        state: Decoding,
        settings: DecodeSettings,
    ) -> Updates:
        """Show a decoded picture, and remember it."""
        tab = self._tab
        exact = {} if state.psnr_db is None else {"psnr_db": state.psnr_db}
        result = Result(
            photo=photo,
            size_px=(stream.height_px, stream.width_px),
            picture=picture,
            thumbnail="" if state.image is None else thumbnail_of(state.image),
            n_bytes=stream.n_bytes,
            bpp=stream.bpp,
            settings=settings,
            steps=state.total,
            seconds=state.seconds,
            was_kept=state.was_kept,
            measures=Measures(values=exact),
        )
        history = values[tab.history].with_new(result)
        return {tab.history: history, tab.chosen: None} | self._show_result(history, None)

    def numbers(self, values: Values) -> str:
        """Draw the numbers of the newest result again."""
        history = values[self._tab.history]
        if history.last is None:
            return ""
        return draw_numbers(history.last, _before(history, values[self._tab.chosen]))

    def choose(self, values: Values, event: gr.EventData) -> Updates:
        """Compare the newest result with an earlier one, or with the photo again."""
        tab = self._tab
        session, history = values[tab.session], values[tab.history]
        last, chosen = history.last, number_of(event.number)
        if last is None or session.photo is None or session.photo.digest != last.photo.digest:
            return unchanged()
        if chosen is not None and history.find(chosen) is None:
            raise shown_error(words.RESULT_GONE)
        pair = (ORIGINAL, DECODED) if chosen is None else (BEFORE, DECODED)
        shown: Updates = {tab.chosen: chosen} | self._show_result(history, chosen, pair=pair)
        if session.picture != last.picture:  # another file, whose picture is not there yet
            del shown[tab.status]
        return shown

    @with_errors
    def measure(self, values: Values) -> Iterator[Updates]:
        """Measure the newest result, whose picture is on the page by now."""
        known = self._newest(values)
        if known is not None and not known.is_measured:
            measures = self._measure(*self._place_of(known))
            known = replace(known, measures=measures, is_measured=True)
            yield {self._tab.history: values[self._tab.history].with_known(known)}

    @with_errors
    def find_boxes(self, values: Values) -> Iterator[Updates]:
        """Find the objects in the newest result, and in its photo."""
        known = self._newest(values)
        if known is not None and known.boxes is None:
            known = replace(known, boxes=self._find_boxes(*self._place_of(known)))
            yield {self._tab.history: values[self._tab.history].with_known(known)}

    def show_known(self, values: Values) -> Updates:
        """Show what is known by now of the newest result."""
        if self._newest(values) is None:
            return unchanged()
        shown = self._show_result(values[self._tab.history], values[self._tab.chosen])
        del shown[self._tab.strip]  # which says the same as before
        return shown

    def _newest(self, values: Values) -> Result | None:
        """Return the newest result if its picture is the one on the page."""
        last: Result | None = values[self._tab.history].last
        is_shown = last is not None and values[self._tab.session].picture == last.picture
        return last if is_shown else None

    def _place_of(self, result: Result) -> tuple[CodecService, UploadStore, Photo, str]:
        return self._service, self._uploads, result.photo, result.picture

    def _show_result(
        self, history: History, chosen: int | None, pair: tuple[str, str] | None = None
    ) -> Updates:
        """Show the newest result beside the photo and the one that it is compared with."""
        tab, last = self._tab, history.last
        if last is None:
            return {}
        before = _before(history, chosen)
        profile = self._service.codec.config.profile
        return {
            tab.viewer.html: tab.viewer.draw(figures_of(last, before), last.size_px, pair=pair),
            tab.status: draw_numbers(last, before),
            tab.strip: draw_history(history, chosen, profile),
        }


def _before(history: History, chosen: int | None) -> Result | None:
    """Find what the newest result is compared with: the chosen one, or the one before."""
    return history.find(chosen) or next(iter(history.earlier), None)
