"""The page of a talk: a section for each thing to show, with one viewer in it.

Without its script it is a document to scroll through; the script shows one section at a time.
Everything that comes from outside is escaped here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from PIL import Image

from difficmh_core.ui.compare import texts as compare_texts
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.present import texts
from difficmh_core.ui.present.photographs import Presented
from difficmh_core.ui.present.tour import Station
from difficmh_core.ui.runtime.service import png_of
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.markup import Fact, Figure, viewer_head, viewer_markup
from difficmh_core.ui.viewer.metrics import best_of, facts_of
from difficmh_core.vision.boxes import BoxAgreement
from difficmh_core.vision.letters import TextAgreement
from difficmh_core.vision.overlays import draw_agreement, draw_text

FACTS = ("psnr_db", "lpips_alex", "dists")
"""What stands under a picture, beside its bytes: what can be read from the last row."""
PICTURES = "pictures"
"""Where pictures lie, seen from the page."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Talk:
    """What is served.

    Attributes:
        page: The document.
        pictures: PNG files by their names in the folder :data:`PICTURES`.
    """

    page: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def address_of(self, png: bytes) -> str:
        """Keep a picture once, and tell where the page finds it."""
        name = f"{hashlib.sha256(png).hexdigest()[:32]}.png"
        self.pictures[name] = png
        return f"{PICTURES}/{name}"


def draw_talk(stations: Sequence[Station], photographs: Sequence[Station]) -> Talk:
    """Draw the page.

    Args:
        stations: The tour.
        photographs: What comes after it.
    """
    talk = Talk()
    slides = [
        *_slides(talk, stations, texts.STATION, "station"),
        *_slides(talk, photographs, texts.PHOTOGRAPH, "photo"),
    ]
    folder = Path(__file__).parent
    style = folder.joinpath("present.css").read_text(encoding="utf-8")
    script = folder.joinpath("present.js").read_text(encoding="utf-8")
    page = (
        '<!doctype html><html lang="en" class="dark"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{texts.TITLE}</title><link rel="icon" href="data:,">'
        f'{viewer_head()}<style id="present-style">\n{style}</style></head><body>'
        f'<main><h1 class="hidden">{texts.TITLE}</h1>{"".join(slides)}</main>{_draw_tools()}'
        f"{_draw_keys()}<script>\n{script}</script></body></html>"
    )
    return Talk(page=page, pictures=talk.pictures)


def _slides(talk: Talk, stations: Sequence[Station], counter: str, kind: str) -> Iterator[str]:
    for index, station in enumerate(stations, 1):
        slide_id = f"{kind}-{index}"
        height, width = station.presented.image.height, station.presented.image.width
        viewer = viewer_markup(
            list(_figures(talk, station)),
            size=(height, width),
            viewer_id=f"viewer-{slide_id}",
            fills=True,
        )
        place = station.place
        begins = {
            "mode": station.mode,
            "boxes": station.boxes,
            "place": place and [place.x_share, place.y_share, place.zoom],
        }
        yield (
            f'<section id="{slide_id}" role="group" aria-roledescription="{texts.SLIDE}" '
            f'aria-labelledby="title-{slide_id}" data-begins="{escape(json.dumps(begins))}">'
            f'<header><p class="counter">{counter.format(index=index, total=len(stations))}</p>'
            f'<h2 id="title-{slide_id}" tabindex="-1">{escape(station.title)}</h2>'
            f'<p class="sentence">{escape(station.sentence)}</p></header>{viewer}</section>'
        )


def _figures(talk: Talk, station: Station) -> Iterator[Figure]:
    presented = station.presented
    files = [presented.files[key] for key in station.shown]
    ours = presented.ours
    yield Figure(
        key="original",
        label=viewer_texts.ORIGINAL,
        source=talk.address_of(presented.png),
        overlay=_boxes(talk, ours.boxes and ours.boxes.of_original, presented),
        text_overlay=_text(talk, ours.text and ours.text.of_original, presented),
    )
    best = best_of([file.row.values for file in files if file.row.fits]) if len(files) > 1 else {}
    for file in files:
        row = file.row
        yield Figure(
            key=file.key,
            label=texts.LABELS.get(file.key) or compare_texts.CODECS[file.key],
            source=talk.address_of(file.png),
            facts=_facts(file, best),
            overlay=_boxes(talk, file.boxes, presented),
            text_overlay=_text(talk, file.text, presented),
            note="" if row.fits else compare_texts.LARGER.format(target=row.target_bytes),
        )


def _facts(file: Measured, best: Mapping[str, float]) -> tuple[Fact, ...]:
    row = file.row
    values = {key: row.values[key] for key in FACTS if key in row.values}
    facts = facts_of(row.n_bytes, row.bpp, values, best if row.fits else {})
    return tuple(fact for fact in facts if fact.name != viewer_texts.BPP)


def _boxes(talk: Talk, boxes: BoxAgreement | None, presented: Presented) -> str | None:
    if boxes is None:
        return None
    empty = Image.new("RGBA", presented.image.size)
    return talk.address_of(png_of(draw_agreement(empty, boxes)))


def _text(talk: Talk, text: TextAgreement | None, presented: Presented) -> str | None:
    if text is None or not text.places:
        return None
    empty = Image.new("RGBA", presented.image.size)
    return talk.address_of(png_of(draw_text(empty, text)))


def _draw_tools() -> str:
    return (
        f'<nav aria-label="{texts.TOUR}" hidden>'
        f'<p class="notice">{texts.NOTICE}</p>'
        f'<button type="button" id="keys" aria-haspopup="dialog">{texts.KEYS}</button>'
        f'<button type="button" id="full">{texts.FULL_SCREEN}</button>'
        f'<button type="button" id="previous">{texts.PREVIOUS}</button>'
        f'<button type="button" id="next">{texts.NEXT}</button></nav>'
    )


def _draw_keys() -> str:
    rows = "".join(
        f"<div><dt>{escape(keys)}</dt><dd>{escape(what)}</dd></div>"
        for keys, what in texts.KEY_ROWS
    )
    return (
        f'<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">{texts.KEYS}</h2>'
        f'<dl>{rows}</dl><form method="dialog"><button>{texts.CLOSE}</button></form></dialog>'
    )
