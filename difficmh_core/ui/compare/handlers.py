"""Events of the compare tab: one photograph by every codec within the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import gradio as gr

from difficmh_core.config.profiles import preset_of
from difficmh_core.evaluation.codecs import AbsentCodec
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import (
    ComparisonInput,
    Measured,
    codecs_of,
    measure_one,
    run,
)
from difficmh_core.ui.compare.layout import CompareTab
from difficmh_core.ui.compare.results import draw_table, figure_of, original_of
from difficmh_core.ui.components import html
from difficmh_core.ui.components.progress import draw_part
from difficmh_core.ui.runtime.errors import shown_error, with_errors
from difficmh_core.ui.runtime.events import QUICK, Event, Updates, Values, unchanged
from difficmh_core.ui.runtime.gpu import MAX_S, with_gpu
from difficmh_core.ui.runtime.requests import CodingRequest, whole_number
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo, UploadStore
from difficmh_core.ui.viewer.markup import viewer_markup
from difficmh_core.ui.viewer.metrics import best_of

VIEWER_ID = "compare-viewer"


def connect_compare_tab(
    tab: CompareTab,
    service: CodecService,
    uploads: UploadStore,
    session: gr.State,
    codings: Sequence[Event],
) -> None:
    """Connect the components of the tab.

    Args:
        tab: The components.
        service: The codec, shared by all visitors.
        uploads: What visitors brought.
        session: Holds the photograph and its file.
        codings: Events after which there is another file.
    """
    handlers = CompareHandlers(tab, service, uploads, session)
    inputs = {session, tab.codecs, tab.n_bytes}
    tab.buttons.connect(handlers.compare, inputs, [tab.viewer, tab.table])
    for event in codings:
        event.then(handlers.take_size, {session}, tab.n_bytes, **QUICK)


class CompareHandlers:
    """The events of one page."""

    def __init__(
        self, tab: CompareTab, service: CodecService, uploads: UploadStore, session: gr.State
    ) -> None:
        self._tab, self._service, self._uploads = tab, service, uploads
        self._session = session
        self._compare = with_gpu(self._compare_now, MAX_S)

    @with_errors
    def compare(self, values: Values) -> Iterator[Updates]:
        """Measure each codec in turn, and show every one as soon as it is there."""
        given = self._given(values[self._session], values[self._tab.n_bytes])
        measured = list[Measured]()
        with closing(self._compare(values[self._tab.codecs], given)) as states:
            for state in states:
                if isinstance(state, Measured):
                    measured.append(state)
                    continue
                key, total = state
                index, name = len(measured), texts.CODECS[key]
                now = texts.WORKING.format(index=index + 1, total=total, name=name)
                progress = draw_part(index, total, now)
                yield self._tab.buttons.at_work(progress) | self._show(measured, given)
        n_files = sum(bool(item.png) for item in measured)
        done = html.draw_message(texts.DONE.format(n=n_files, target=given.target_bytes))
        yield self._tab.buttons.at_work(done) | self._show(measured, given)

    def take_size(self, values: Values) -> Updates:
        """Compare within the bytes of our file, unless the visitor says otherwise."""
        encoded = values[self._session].encoded
        return {self._tab.n_bytes: len(encoded.data)} if encoded else unchanged()

    @with_errors
    def _compare_now(
        self, keys: list[str], given: ComparisonInput
    ) -> Iterator[tuple[str, int] | Measured]:
        """Yield each codec's key with the number of all when it begins, then its file."""
        codecs = codecs_of(self._service, keys, given)
        total = sum(not isinstance(codec, AbsentCodec) for codec in codecs.values())
        for index, (key, codec) in enumerate(codecs.items()):
            if index < total:  # absent ones, the last, take no time
                yield key, total
            yield measure_one(self._service, key, codec, given)

    def _given(self, session: Session, n_bytes: float | None) -> ComparisonInput:
        if session.photo is None or session.encoded is None:
            raise shown_error(texts.NO_PHOTO)
        target_bytes = whole_number("target_bytes", n_bytes) if n_bytes else 0
        profile = self._service.codec.config.profile
        return ComparisonInput(
            photo=session.photo,
            image=self._uploads.load(session.photo),
            target_bytes=target_bytes or len(session.encoded.data),
            tags=session.encoded.tags,
            settings=session.settings or preset_of(profile),
        )

    def _show(self, measured: Sequence[Measured], given: ComparisonInput) -> Updates:
        """Show what is measured so far in the order of the page, what has no picture last."""
        order = list(texts.CODECS)
        measured = sorted(measured, key=lambda item: (not item.png, order.index(item.key)))
        pictures = [item for item in measured if item.png]
        best = best_of([item.row.values for item in pictures if item.row.fits])
        size = given.image.size
        figures = [original_of(self._service, given.photo.path, pictures, size)]
        figures += [figure_of(self._service, item, best, size) for item in pictures]
        viewer = viewer_markup(figures, size=(size[1], size[0]), viewer_id=VIEWER_ID)
        return {
            self._tab.viewer: viewer,
            self._tab.table: draw_table(measured) if measured else "",
        }


def compare_photo(
    service: CodecService,
    uploads: UploadStore,
    photo: Photo,
    target_bytes: int,
    keys: Sequence[str],
    preset: str,
) -> dict[str, Any]:
    """Compare for a program, and tell the rows.

    Args:
        service: The codec.
        uploads: Where the photograph is.
        photo: The photograph.
        target_bytes: What each file may hold [bytes]; 0 takes our file of quality 50.
        keys: The codecs.
        preset: How ours is decoded.
    """
    image = uploads.load(photo)
    tags = service.tag(photo, image)
    if not target_bytes:
        target_bytes = len(service.encode(photo, image, CodingRequest(), tags).data)
    given = ComparisonInput(
        photo=photo,
        image=image,
        target_bytes=target_bytes,
        tags=tags,
        settings=preset_of(service.codec.config.profile, preset),
    )
    rows, absent = [], {}
    for item in run(service, keys or texts.CHOSEN, given):
        if item.row.error is None:
            rows.append({"key": item.key, **item.row.to_json()})
        else:
            absent[item.key] = item.row.error
    return {"target_bytes": target_bytes, "rows": rows, "absent": absent}
