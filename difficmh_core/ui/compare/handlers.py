"""Events of the compare tab: one photograph by every codec within the same bytes."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from difficmh_core.config.presets import preset_of
from difficmh_core.evaluation.codecs import AbsentCodec
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import (
    ComparisonInput,
    Measured,
    find_codecs,
    measure_one,
    run,
)
from difficmh_core.ui.compare.results import (
    best_of,
    draw_table,
    original_overlay,
    original_pane,
    pane_of,
)
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.errors import toast, with_toasts
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import CodingRequest, Session, whole_number
from difficmh_core.ui.runtime.uploads import Photo, UploadStore
from difficmh_core.ui.viewer.markup import viewer_markup

__all__ = ["CompareHandlers"]

VIEWER_ID = "compare-viewer"
Shown = tuple[str, str, str]
"""The progress, the viewer and the table."""


class CompareHandlers:
    """The events of one page."""

    def __init__(self, service: CodecService, uploads: UploadStore) -> None:
        """Take what all visitors share."""
        self._service, self._uploads = service, uploads

    @with_toasts
    def compare(
        self, session: Session, keys: list[str], target_bytes: float | None
    ) -> Iterator[Shown]:
        """Measure each codec in turn, and show every one as soon as it is there."""
        task = self._task(session, target_bytes)
        measured = list[Measured]()
        codecs = find_codecs(self._service, keys, task)
        total = sum(not isinstance(codec, AbsentCodec) for codec in codecs.values())
        for index, (key, codec) in enumerate(codecs.items()):
            if index < total:  # absent ones take no time
                now = texts.WORKING.format(index=index + 1, total=total, name=texts.CODECS[key])
                yield self._show(html.draw_part(index, total, now), measured, task)
            measured.append(measure_one(self._service, key, codec, task))
        n_files = sum(bool(item.png) for item in measured)
        done = texts.DONE.format(n=n_files, target=task.target_bytes)
        yield self._show(html.draw_message(done), measured, task)

    def target_of(self, session: Session) -> dict[str, Any]:
        """Return how many bytes are compared unless the visitor says otherwise: our file's."""
        return gr.update(value=len(session.encoded.data)) if session.encoded else gr.skip()

    def _task(self, session: Session, target_bytes: float | None) -> ComparisonInput:
        if session.photo is None or session.encoded is None:
            raise toast(texts.NO_PHOTO)
        n_bytes = len(session.encoded.data)
        if target_bytes:
            n_bytes = whole_number("target_bytes", target_bytes)
        profile = self._service.codec.config.profile
        return ComparisonInput(
            photo=session.photo,
            image=self._uploads.load(session.photo),
            target_bytes=n_bytes,
            tags=session.encoded.tags,
            settings=session.settings or preset_of(profile),
        )

    def _show(self, progress: str, measured: Sequence[Measured], task: ComparisonInput) -> Shown:
        """Return what is measured so far in the order of the page, what has no picture last."""
        order = list(texts.CODECS)
        measured = sorted(measured, key=lambda item: (not item.png, order.index(item.key)))
        pictures = [item for item in measured if item.png]
        best = best_of([item.row.values for item in pictures if item.row.fits])
        size = task.image.size
        overlay = original_overlay(self._service, pictures[0], size) if pictures else None
        panes = [original_pane(task.photo.path, overlay)]
        panes += [pane_of(self._service, item, best) for item in pictures]
        viewer = viewer_markup(panes, size=(size[1], size[0]), viewer_id=VIEWER_ID)
        return progress, viewer, draw_table(measured) if measured else ""


def compare_photo(
    service: CodecService,
    uploads: UploadStore,
    photo: Photo,
    target_bytes: int,
    keys: Sequence[str],
    preset: str,
) -> dict[str, Any]:
    """Return the rows of a comparison, as the endpoint tells them.

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
        request = CodingRequest(quality=50.0, target_bytes=None, send_tags=True, tags=())
        target_bytes = len(service.encode(photo, image, request, tags).data)
    task = ComparisonInput(
        photo=photo,
        image=image,
        target_bytes=target_bytes,
        tags=tags,
        settings=preset_of(service.codec.config.profile, preset),
    )
    rows, absent = [], {}
    for item in run(service, keys or texts.CHOSEN, task):
        if item.row.error is None:
            rows.append({"key": item.key, **item.row.to_json()})
        else:
            absent[item.key] = item.row.error
    return {"target_bytes": target_bytes, "rows": rows, "absent": absent}
