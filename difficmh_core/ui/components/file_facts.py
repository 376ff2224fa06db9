"""What the page says about a coded file and its picture: sizes, bits by section, time, PSNR."""

import math
from collections.abc import Mapping
from html import escape

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.ui import texts
from difficmh_core.ui.components.html import draw_lead, join
from difficmh_core.ui.runtime.service import Decoding
from difficmh_core.ui.runtime.uploads import Photo

BYTES_PER_RAW_PIXEL = 3
"""Eight bits for each of red, green and blue."""


def draw_file(
    stream: Bitstream, section_bits: Mapping[str, float], photo: Photo | None = None
) -> str:
    """Draw the size of a file, what it compares with, and its bits by section.

    Args:
        stream: The file.
        section_bits: Size of each section [bit], in the order of the file.
        photo: What it was made of, where that is known.
    """
    n_bytes, n_raw = stream.n_bytes, BYTES_PER_RAW_PIXEL * stream.height_px * stream.width_px
    comparisons = [_compare(n_bytes, n_raw, texts.SMALLER_THAN_RAW, texts.LARGER_THAN_RAW)]
    if photo is not None:
        smaller, larger = (
            words.replace("{format}", photo.upload_format)
            for words in (texts.SMALLER_THAN_UPLOAD, texts.LARGER_THAN_UPLOAD)
        )
        comparisons.insert(0, _compare(n_bytes, photo.upload_bytes, smaller, larger))
    return (
        f'<section class="file" aria-label="{texts.THE_FILE}">'
        f'<p class="size"><strong>{texts.FILE_SIZE.format(n_bytes=n_bytes)}</strong>'
        f'<span title="{texts.BPP_HELP}">{texts.BPP.format(bpp=stream.bpp)}</span></p>'
        f'<p class="comparisons">{join(comparisons)}</p>'
        f"{''.join(map(draw_lead, photo.notes if photo else ()))}"
        f"{_draw_bits(section_bits)}</section>"
    )


def draw_result(stream: Bitstream, decoding: Decoding) -> str:
    """Draw the numbers under a decoded picture.

    Args:
        stream: The file that it came from.
        decoding: Its last state.
    """
    steps, psnr = decoding.total, decoding.psnr_db
    parts = [
        texts.DECODED_FROM.format(n_bytes=stream.n_bytes, bpp=stream.bpp),
        texts.STEP_DONE if steps == 1 else texts.STEPS_DONE.format(steps=steps),
        (texts.KEPT if decoding.was_kept else texts.SECONDS).format(seconds=decoding.seconds),
    ]
    if psnr is not None:
        parts.insert(0, texts.PSNR_EQUAL if math.isinf(psnr) else texts.PSNR.format(psnr=psnr))
    return f'<p class="result" role="status">{join(parts)}</p>'


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
