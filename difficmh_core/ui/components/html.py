"""What the page draws itself: facts, the bar of bits, progress and results, as markup.

Everything that comes from a file or a visitor is escaped here and nowhere else. Colors belong to
``style.css``, words to :mod:`difficmh_core.ui.texts`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from difficmh_core.ui import texts

__all__ = [
    "FileFacts",
    "Result",
    "draw_facts",
    "draw_file",
    "draw_footer",
    "draw_header",
    "draw_introduction",
    "draw_lead",
    "draw_message",
    "draw_notice",
    "draw_part",
    "draw_progress",
    "draw_refining",
    "draw_result",
    "draw_waiting",
]

BYTES_PER_RAW_PIXEL = 3
"""Eight bits for each of red, green and blue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What the page says about a coded picture.

    Attributes:
        n_bytes: Size of the whole file [bytes].
        size_px: Height and width of the picture [px].
        section_bits: Size of each section [bit], in the order of the file.
        upload_bytes: Size of the photograph as it was uploaded [bytes]; ``None`` where unknown.
        upload_format: Its format, as people call it.
        notes: What was told when the photograph was read, each a sentence.
    """

    n_bytes: int
    size_px: tuple[int, int]
    section_bits: Mapping[str, float]
    upload_bytes: int | None = None
    upload_format: str = ""
    notes: tuple[str, ...] = ()

    @property
    def bpp(self) -> float:
        """Bits of the whole file per pixel of the original picture."""
        height, width = self.size_px
        return 8 * self.n_bytes / (height * width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the page says about a decoded picture.

    Attributes:
        n_bytes: Size of the file that it came from [bytes].
        bpp: Bits of that file per pixel.
        steps: Denoising steps that ran.
        seconds: Time from the start to the picture [s].
        psnr_db: Against the original [dB]; ``None`` without one.
        was_kept: Whether the picture had been decoded before.
    """

    n_bytes: int
    bpp: float
    steps: int
    seconds: float
    psnr_db: float | None = None
    was_kept: bool = False


def draw_header() -> str:
    """Return the head of the page: name, promise, one sentence."""
    return (
        f'<p class="wordmark">{texts.TITLE}</p><h1>{texts.TAGLINE}</h1>'
        f'<p class="explanation">{texts.EXPLANATION}</p>'
    )


def draw_notice(notice: str) -> str:
    """Return a line that every visitor should read first."""
    return f'<p class="notice" role="status">{escape(notice)}</p>'


def draw_footer(facts: str) -> str:
    """Return the notice about invented detail, and facts about this server."""
    return f'<p class="notice">{texts.NOTICE}</p><p>{escape(facts)}</p>'


def draw_introduction() -> str:
    """Return the three steps of the codec, shown until there is a file."""
    steps = "".join(
        f"<li><strong>{escape(name)}</strong><span>{escape(what)}</span></li>"
        for name, what in texts.HOW
    )
    return f'<section class="how"><h2>{texts.HOW_TITLE}</h2><ol>{steps}</ol></section>'


def draw_file(facts: FileFacts) -> str:
    """Return the size of a file, what it compares with, and its bits by section."""
    height, width = facts.size_px
    comparisons = [
        _compare(
            facts.n_bytes,
            BYTES_PER_RAW_PIXEL * height * width,
            texts.SMALLER_THAN_RAW,
            texts.LARGER_THAN_RAW,
        )
    ]
    if facts.upload_bytes:
        comparisons.insert(
            0,
            _compare(
                facts.n_bytes,
                facts.upload_bytes,
                texts.SMALLER_THAN_UPLOAD.replace("{format}", facts.upload_format),
                texts.LARGER_THAN_UPLOAD.replace("{format}", facts.upload_format),
            ),
        )
    return (
        f'<section class="file" aria-label="{texts.THE_FILE}">'
        f'<p class="size"><strong>{texts.FILE_SIZE.format(n_bytes=facts.n_bytes)}</strong>'
        f'<span title="{texts.BPP_HELP}">{texts.BPP.format(bpp=facts.bpp)}</span></p>'
        f'<p class="comparisons">{_join(comparisons)}</p>'
        f"{''.join(map(draw_lead, facts.notes))}"
        f"{_draw_bits(facts.section_bits)}</section>"
    )


def draw_facts(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a list of definitions."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return f'<dl class="facts">{rows}</dl>'


def draw_progress(index: int, total: int, seconds: float) -> str:
    """Return a progress bar with the step, the time left and the speed.

    Args:
        index: Steps done; 0 before the first.
        total: Steps in all.
        seconds: Time since the start [s].
    """
    if index == 0:
        return draw_waiting(texts.STARTING)
    rate = texts.STEPS_PER_SECOND.format(rate=index / max(seconds, 1e-6))
    return _draw_bar(texts.STEP, index, total, seconds, [rate])


def draw_refining(index: int, total: int, seconds: float) -> str:
    """Return a progress bar with the pass and the time left; arguments as above."""
    return _draw_bar(texts.PASS, index, total, seconds, [])


def _draw_bar(words: str, index: int, total: int, seconds: float, more: Sequence[str]) -> str:
    parts = [
        words.format(index=index, total=total),
        texts.TIME_LEFT.format(seconds=math.ceil(seconds / index * (total - index))),
        *more,
    ]
    return (
        f'<div class="progress"><progress value="{index}" max="{total}" '
        f'aria-label="{parts[0]}"></progress><p>{_join(parts)}</p></div>'
    )


def draw_waiting(message: str) -> str:
    """Return a progress bar without an end in sight."""
    return (
        f'<div class="progress"><progress aria-label="{escape(message)}"></progress>'
        f"<p>{escape(message)}</p></div>"
    )


def draw_part(done: float, total: int, message: str) -> str:
    """Return a progress bar of a piece of work in parts, with what is being done.

    Args:
        done: Parts done, with a fraction.
        total: Parts in all.
        message: What is being done.
    """
    return (
        f'<div class="progress"><progress value="{done:.3f}" max="{max(total, 1)}" '
        f'aria-label="{escape(message)}"></progress><p>{escape(message)}</p></div>'
    )


def draw_lead(sentences: str) -> str:
    """Return what a tab is for."""
    return f'<p class="lead">{escape(sentences)}</p>'


def draw_result(result: Result) -> str:
    """Return the numbers under a decoded picture."""
    parts = [
        texts.DECODED_FROM.format(n_bytes=result.n_bytes, bpp=result.bpp),
        texts.STEP_DONE if result.steps == 1 else texts.STEPS_DONE.format(steps=result.steps),
        (texts.KEPT if result.was_kept else texts.SECONDS).format(seconds=result.seconds),
    ]
    if result.psnr_db is not None:
        is_equal = math.isinf(result.psnr_db)
        parts.insert(0, texts.PSNR_EQUAL if is_equal else texts.PSNR.format(psnr=result.psnr_db))
    return f'<p class="result" role="status">{_join(parts)}</p>'


def draw_message(message: str) -> str:
    """Return one sentence about the state of the page."""
    return f'<p class="message" role="status">{escape(message)}</p>'


def _compare(n_bytes: int, other_bytes: int, smaller: str, larger: str) -> str:
    if n_bytes <= other_bytes:
        return smaller.format(ratio=texts.times(other_bytes / n_bytes))
    return larger.format(ratio=texts.times(n_bytes / other_bytes))


def _draw_bits(section_bits: Mapping[str, float]) -> str:
    total = sum(section_bits.values())
    bars, rows = "", ""
    for section, bits in section_bits.items():
        value = texts.SECTION_BITS.format(bits=round(bits), percent=texts.percent(bits, total))
        name = texts.SECTION_NAMES.get(section, section)
        if bits > 0:
            bars += f'<span class="bits-{escape(section)}" style="flex-grow:{bits:.1f}"></span>'
        rows += (
            f'<div title="{escape(texts.SECTION_HELP.get(section, ""))}">'
            f'<dt><i class="bits-{escape(section)}"></i>{escape(name)}</dt><dd>{value}</dd></div>'
        )
    return (
        f'<h3>{texts.BITS_BY_SECTION}</h3><div class="bar" aria-hidden="true">{bars}</div>'
        f'<dl class="legend">{rows}</dl>'
    )


def _join(parts: Iterable[str]) -> str:
    return "".join(f"<span>{escape(part)}</span>" for part in parts)
