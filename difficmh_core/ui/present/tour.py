"""The stations of a talk: which photograph each shows, how, and its one sentence with numbers.

No photograph and no number is written here. Each station takes the photograph that shows its
point, by a rule: the one closest to its original, the one with most objects, the one that loses
most letters. A station whose measure is absent is left out, and told.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from difficmh_core.config.profiles import preset_of
from difficmh_core.tagging.detector import Detection
from difficmh_core.ui import texts as page_texts
from difficmh_core.ui.compare import texts as compare_texts
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.compress.texts import EXAMPLE_WORDS
from difficmh_core.ui.present import texts
from difficmh_core.ui.present.photographs import CONTENT, OURS, Presented
from difficmh_core.ui.viewer.metrics import METRICS

EYE, PIXEL = "lpips_alex", "psnr_db"
PERSON = "person"
_LITTLE = 0.1
"""A smaller share of change in LPIPS counts as little."""
_CLOSER, _CLOSE = 2.0, 3.0
"""How much larger than the whole photograph a part is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a photograph that is shown enlarged.

    Attributes:
        x_share: Its middle, from the left edge, of the width.
        y_share: Its middle, from the top edge, of the height.
        zoom: How much larger than the whole photograph.
    """

    x_share: float
    y_share: float
    zoom: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Station:
    """What is shown at once.

    Attributes:
        title: Its name.
        sentence: What is to be seen, with the numbers.
        presented: The photograph.
        shown: Keys of the files beside the original, in order.
        mode: Of the viewer.
        boxes: Which boxes lie on the pictures; ``None`` for none.
        place: What is enlarged; ``None`` shows the whole photograph.
    """

    title: str
    sentence: str
    presented: Presented
    shown: tuple[str, ...] = (OURS,)
    mode: Literal["side", "slider"] = "side"
    boxes: Literal["objects"] | None = None
    place: Place | None = None


def plan_tour(
    photographs: Sequence[Presented], profile: str, tell: Callable[[str], None]
) -> list[Station]:
    """Choose each station's photograph, and write its sentence.

    Args:
        photographs: All of them, at least one.
        profile: Of the networks.
        tell: Takes a line about a station that is left out.
    """
    stations = list[Station]()
    for title, make in (
        (texts.FILE, _file),
        (texts.DRAG, _drag),
        (texts.OTHERS, _others),
        (texts.MACHINES, _machines),
        (texts.FAILS, _fails),
        (texts.DIFFUSION, lambda photos: _diffusion(photos, profile)),
    ):
        try:
            stations.append(make(photographs))
        except _AbsentError as error:
            tell(texts.LEFT_OUT.format(title=title, reason=error))
    return stations


def each_photograph(photographs: Sequence[Presented]) -> Iterator[Station]:
    """Yield every photograph beside its decoded one, for what comes after the stations."""
    for presented in photographs:
        row, name = presented.ours.row, presented.photo.name
        raw = page_texts.times(presented.n_raw_bytes / row.n_bytes)
        yield Station(
            title=EXAMPLE_WORDS.get(name, name.replace("_", " ").capitalize()),
            sentence=texts.EACH_SENTENCE.format(n_bytes=row.n_bytes, raw=raw, bpp=row.bpp),
            presented=presented,
        )


def _file(photographs: Sequence[Presented]) -> Station:
    best = _closest(photographs)
    n_bytes, photo = best.ours.row.n_bytes, best.photo
    return Station(
        title=texts.FILE.format(n_bytes=n_bytes),
        sentence=texts.FILE_SENTENCE.format(
            n_bytes=n_bytes,
            raw=page_texts.times(best.n_raw_bytes / n_bytes),
            upload=page_texts.times(photo.upload_bytes / n_bytes),
            format=photo.upload_format,
        ),
        presented=best,
    )


def _drag(photographs: Sequence[Presented]) -> Station:
    best = _closest(photographs)
    seen = best.ours.boxes.of_original.matched if best.ours.boxes else ()
    largest = max((box for box, _ in seen), key=_area_px, default=None)
    x, y = _middle(best, largest) if largest else (0.5, 0.5)
    return Station(
        title=texts.DRAG,
        sentence=texts.DRAG_SENTENCE.format(psnr=_text(best.ours, PIXEL)),
        presented=best,
        mode="slider",
        place=Place(x_share=x, y_share=y, zoom=_CLOSER),
    )


def _others(photographs: Sequence[Presented]) -> Station:
    best = _closest(photographs)
    shown = tuple(key for key in best.files if key != CONTENT)
    if shown == (OURS,):
        raise _AbsentError(texts.NO_OTHER)
    _need_lpips(best.ours)
    files = [best.files[key] for key in shown]
    target = best.ours.row.target_bytes
    by_eye = _name_of(min(files, key=lambda file: file.row.values[EYE]))
    by_pixel = _name_of(max(files, key=lambda file: file.row.values[PIXEL]))
    words = texts.OTHERS_SAME if by_eye == by_pixel else texts.OTHERS_SENTENCE
    return Station(
        title=texts.OTHERS,
        sentence=words.format(target=target, by_eye=by_eye, by_pixel=by_pixel),
        presented=best,
        shown=shown,
    )


def _machines(photographs: Sequence[Presented]) -> Station:
    most = max(photographs, key=lambda one: len(_objects(one)))
    if not _objects(most) or most.ours.boxes is None:
        raise _AbsentError(texts.NO_DETECTOR)
    matched, missed, hallucinated = most.ours.boxes.counts
    imagined = _counted(texts.IMAGINED, hallucinated) if hallucinated else texts.IMAGINED_NONE
    return Station(
        title=texts.MACHINES,
        sentence=texts.MACHINES_SENTENCE.format(
            objects=_counted(texts.OBJECTS, matched + missed), matched=matched, invented=imagined
        ),
        presented=most,
        boxes="objects",
    )


def _fails(photographs: Sequence[Presented]) -> Station:
    """Show lost letters, else the largest person, else what is least like its original."""
    letters = max(photographs, key=_n_letters_lost)
    if _n_letters_lost(letters) and letters.ours.text is not None:
        text = letters.ours.text
        worst = max(text.places, key=lambda place: place.n_changed)
        x, y = _middle(letters, worst.original[0])
        return Station(
            title=texts.FAILS,
            sentence=texts.FAILS_LETTERS.format(n=text.n_letters, changed=text.counts[1]),
            presented=letters,
            place=Place(x_share=x, y_share=y, zoom=_CLOSER),
        )
    people = [(box, one) for one in photographs for box in _objects(one) if box.label == PERSON]
    if people:
        box, one = max(people, key=lambda found: _area_px(found[0]))
        left, top, right, bottom = box.box_xyxy_px
        return Station(
            title=texts.FAILS,
            sentence=texts.FAILS_FACE,
            presented=one,
            place=Place(  # heads are at the top
                x_share=(left + right) / 2 / one.image.width,
                y_share=(0.8 * top + 0.2 * bottom) / one.image.height,
                zoom=_CLOSE,
            ),
        )
    worst_photo = min(photographs, key=lambda one: one.ours.row.values[PIXEL])
    return Station(
        title=texts.FAILS,
        sentence=texts.FAILS_MOST.format(psnr=_text(worst_photo.ours, PIXEL)),
        presented=worst_photo,
        place=Place(x_share=0.5, y_share=0.5, zoom=_CLOSER),
    )


def _diffusion(photographs: Sequence[Presented], profile: str) -> Station:
    best = _closest([one for one in photographs if CONTENT in one.files] or photographs)
    content = best.files.get(CONTENT)
    if content is None:
        raise _AbsentError(texts.NO_OTHER)
    _need_lpips(best.ours)
    without, with_it = content.row.values[EYE], best.ours.row.values[EYE]
    change = with_it / without - 1 if without else 0.0
    way = 0 if abs(change) < _LITTLE else 1 if change > 0 else -1
    return Station(
        title=texts.DIFFUSION,
        sentence=texts.DIFFUSION_SENTENCE.format(
            without=_text(content, EYE),
            with_it=_text(best.ours, EYE),
            steps=_counted(texts.STEPS, preset_of(profile).steps),
            change=texts.CHANGES[way],
        ),
        presented=best,
        shown=(CONTENT, OURS),
    )


def _closest(photographs: Sequence[Presented]) -> Presented:
    """The photograph whose decoded one is closest to it: by LPIPS where it was measured.

    People see a wrong face at once, and LPIPS does not: portraits wait for the station of what
    fails.
    """
    others = [one for one in photographs if not _people(one)] or photographs
    if all(EYE in one.ours.row.values for one in others):
        return min(others, key=lambda one: one.ours.row.values[EYE])
    return max(others, key=lambda one: one.ours.row.values[PIXEL])


def _need_lpips(measured: Measured) -> None:
    if EYE not in measured.row.values:
        raise _AbsentError(texts.NO_LPIPS)


def _objects(presented: Presented) -> tuple[Detection, ...]:
    boxes = presented.ours.boxes
    return () if boxes is None else tuple(box for box, _ in boxes.of_original.matched)


def _people(presented: Presented) -> list[Detection]:
    return [box for box in _objects(presented) if box.label == PERSON]


def _n_letters_lost(presented: Presented) -> int:
    return 0 if presented.ours.text is None else presented.ours.text.counts[1]


def _middle(presented: Presented, box: Detection) -> tuple[float, float]:
    """The middle of a box, as shares of width and height."""
    left, top, right, bottom = box.box_xyxy_px
    width, height = presented.image.size
    return (left + right) / 2 / width, (top + bottom) / 2 / height


def _area_px(box: Detection) -> float:
    left, top, right, bottom = box.box_xyxy_px
    return (right - left) * (bottom - top)


def _name_of(measured: Measured) -> str:
    return compare_texts.CODECS[measured.key]


def _text(measured: Measured, key: str) -> str:
    return METRICS[key].text(measured.row.values[key])


def _counted(words: tuple[str, str], n: int) -> str:
    """Write a number of things, where one is named otherwise than several."""
    one, several = words
    return one if n == 1 else several.format(n=n)


class _AbsentError(Exception):
    """A station cannot be shown; says why."""
