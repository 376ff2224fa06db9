"""The numbers under a decoded picture."""

import math
from dataclasses import dataclass

from difficmh_core.ui import texts
from difficmh_core.ui.components.html import join


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


def draw_result(result: Result) -> str:
    """Draw the numbers under a decoded picture."""
    parts = [
        texts.DECODED_FROM.format(n_bytes=result.n_bytes, bpp=result.bpp),
        texts.STEP_DONE if result.steps == 1 else texts.STEPS_DONE.format(steps=result.steps),
        (texts.KEPT if result.was_kept else texts.SECONDS).format(seconds=result.seconds),
    ]
    if result.psnr_db is not None:
        is_equal = math.isinf(result.psnr_db)
        parts.insert(0, texts.PSNR_EQUAL if is_equal else texts.PSNR.format(psnr=result.psnr_db))
    return f'<p class="result" role="status">{join(parts)}</p>'
