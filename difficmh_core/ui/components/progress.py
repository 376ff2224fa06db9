"""Bars that say how far a piece of work is."""

import math
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
    return _draw_steps(texts.STEP, index, total, seconds, rate)


def draw_optimization(index: int, total: int, seconds: float) -> str:
    """Draw a progress bar with the iteration and the time left; arguments as above."""
    return _draw_steps(texts.ITERATION, index, total, seconds)


def draw_waiting(message: str) -> str:
    """Draw a progress bar without an end in sight."""
    return _draw(message)


def draw_part(done: float, total: int, message: str) -> str:
    """Draw a progress bar of a piece of work in parts, with what is being done.

    Args:
        done: Parts done, with a fraction.
        total: Parts in all.
        message: What is being done.
    """
    return _draw(message, place=f' value="{done:.3f}" max="{max(total, 1)}"')


def _draw_steps(words: str, index: int, total: int, seconds: float, *more: str) -> str:
    left = texts.TIME_LEFT.format(seconds=math.ceil(seconds / index * (total - index)))
    message = words.format(index=index, total=total)
    return _draw(message, left, *more, place=f' value="{index}" max="{total}"')


def _draw(*parts: str, place: str = "") -> str:
    return (
        f'<div class="progress"><progress{place} aria-label="{escape(parts[0])}"></progress>'
        f"<p>{join(parts)}</p></div>"
    )
