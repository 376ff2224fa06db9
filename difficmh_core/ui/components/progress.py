"""Bars that say how far a piece of work is."""

import math
from collections.abc import Sequence
from html import escape

from difficmh_core.ui import texts
from difficmh_core.ui.components.html import join


def draw_progress(index: int, total: int, seconds: float) -> str:
    """Draw a progress bar with the step, the time left and the speed.

    Args:
        index: Steps done; 0 before the first.
        total: Steps in all.
        seconds: Time since the start [s].
    """
    if index == 0:
        return draw_waiting(texts.STARTING)
    rate = texts.STEPS_PER_SECOND.format(rate=index / max(seconds, 1e-6))
    return _draw_bar(texts.STEP, index, total, seconds, [rate])


def draw_optimization(index: int, total: int, seconds: float) -> str:
    """Draw a progress bar with the iteration and the time left; arguments as above."""
    return _draw_bar(texts.ITERATION, index, total, seconds, [])


def _draw_bar(words: str, index: int, total: int, seconds: float, more: Sequence[str]) -> str:
    parts = [
        words.format(index=index, total=total),
        texts.TIME_LEFT.format(seconds=math.ceil(seconds / index * (total - index))),
        *more,
    ]
    return (
        f'<div class="progress"><progress value="{index}" max="{total}" '
        f'aria-label="{parts[0]}"></progress><p>{join(parts)}</p></div>'
    )


def draw_waiting(message: str) -> str:
    """Draw a progress bar without an end in sight."""
    return (
        f'<div class="progress"><progress aria-label="{escape(message)}"></progress>'
        f"<p>{escape(message)}</p></div>"
    )


def draw_part(done: float, total: int, message: str) -> str:
    """Draw a progress bar of a piece of work in parts, with what is being done.

    Args:
        done: Parts done, with a fraction.
        total: Parts in all.
        message: What is being done.
    """
    return (
        f'<div class="progress"><progress value="{done:.3f}" max="{max(total, 1)}" '
        f'aria-label="{escape(message)}"></progress><p>{escape(message)}</p></div>'
    )
