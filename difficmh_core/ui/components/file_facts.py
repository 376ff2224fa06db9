"""What is in a coded file: its size, what that compares with, and its bits by section."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from difficmh_core.ui import texts
from difficmh_core.ui.components.html import draw_lead, join

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


def draw_file(facts: FileFacts) -> str:
    """Draw the size of a file, what it compares with, and its bits by section."""
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
        f'<p class="comparisons">{join(comparisons)}</p>'
        f"{''.join(map(draw_lead, facts.notes))}"
        f"{_draw_bits(facts.section_bits)}</section>"
    )


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
