"""What the compress tab offers for a large photograph: a smaller one, or all of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from difficmh_core.config.profiles import preset_of
from difficmh_core.ui import texts
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo, UploadStore


def received(photo: Photo, uploads: UploadStore) -> tuple[Session, Photo]:
    """Begin with a photograph; of a large one, with a smaller one. Return which it is, too."""
    small = uploads.shrunk(photo)
    if small is None:
        return Session(photo=photo), photo
    return Session(photo=small, sizes=(small, photo)), small


def resized(session: Session, index: int) -> tuple[Session, Photo]:
    """Begin anew with the same photograph in another size, and return that."""
    photo = session.sizes[index]
    return Session(photo=photo, sizes=session.sizes), photo


def draw_sizes(session: Session, service: CodecService) -> Mapping[str, Any]:
    """Return what the choice of sizes offers: each with how long it will take here."""
    if not session.sizes:
        return gr.update(choices=[], value=None, visible=False)
    settings = preset_of(service.codec.config.profile)
    told = [
        (
            words.SIZES[index].format(**_told(photo, service.estimate_s(photo.size_px, settings))),
            index,
        )
        for index, photo in enumerate(session.sizes)
    ]
    chosen = _place_of(session.photo, session.sizes)
    return gr.update(choices=told, value=chosen, visible=True)


def _told(photo: Photo, seconds: float) -> dict[str, str]:
    height, width = photo.size_px
    return {
        "megapixels": f"{height * width / 1e6:.1f}",
        "width": f"{width:,}",
        "height": f"{height:,}",
        "time": texts.duration(seconds),
    }


def _place_of(photo: Photo | None, sizes: Sequence[Photo]) -> int:
    return next(index for index, each in enumerate(sizes) if photo and each.digest == photo.digest)
