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


def draw_work(stage: str, share: float, left_s: float, *, step: int = 0, total: int = 0) -> str:
    """Draw a progress bar with what is being done and the time left.

    Args:
        stage: What is being done.
        share: How much of all is done, 0 to 1.
        left_s: How long the rest will take [s].
        step: Of denoising, from 1.
        total: Steps in all.
    """
    message = texts.STAGES[stage].format(step=step, total=total)
    left = texts.TIME_LEFT.format(seconds=math.ceil(left_s))
    return _draw(message, left, bar=f' value="{share:.3f}" max="1"')


def draw_optimization(index: int, total: int, seconds: float) -> str:
    """Draw a progress bar with the iteration and the time left; arguments as above."""
    return _draw_steps(texts.ITERATION, index, total, seconds)


def draw_waiting(message: str) -> str:
    """Draw a progress bar without an end in sight; the browser adds the place in the queue."""
    return _draw(message, has_place=True)


def draw_part(done: float, total: int, message: str) -> str:
    """Draw a progress bar of a piece of work in parts, with what is being done.

    Args:
        done: Parts done, with a fraction.
        total: Parts in all.
        message: What is being done.
    """
    return _draw(message, bar=f' value="{done:.3f}" max="{max(total, 1)}"')


def _draw_steps(words: str, index: int, total: int, seconds: float, *more: str) -> str:
    left = texts.TIME_LEFT.format(seconds=math.ceil(seconds / index * (total - index)))
    message = words.format(index=index, total=total)
    return _draw(message, left, *more, bar=f' value="{index}" max="{total}"')


def _draw(*parts: str, bar: str = "", has_place: bool = False) -> str:
    place = '<span class="place"></span>' if has_place else ""
    return (
        f'<div class="progress"><progress{bar} aria-label="{escape(parts[0])}"></progress>'
        f"<p>{join(parts)}{place}</p></div>"
    )
