"""Borrowed GPUs: on a ZeroGPU Space each event asks for one, for as long as it needs.

Elsewhere the package ``spaces`` is absent, and events run on the model's thread.
"""

import importlib.util
from collections.abc import Callable
from typing import Any, TypeVar

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui.runtime.worker import on_model_thread

Event = TypeVar("Event", bound=Callable[..., Any])
MIN_S, MAX_S = 10, 120
"""Shortest and longest time for which a GPU is asked [s]."""
_SECONDS_PER_STEP_AND_MEGAPIXEL = 0.2
"""Guided step of sd21 with control; twice what one H200 takes, whose slice ZeroGPU lends."""
_SECONDS_PER_ITERATION_AND_MEGAPIXEL = 0.5
"""Of latent optimization; four times what a training step on as many pixels took on an H200."""
_SECONDS_BEFORE = 5.0
"""Networks move to the GPU, the file is read, the picture is decoded and measured."""


def borrows_gpu() -> bool:
    """Tell whether GPUs are borrowed here."""
    return importlib.util.find_spec("spaces") is not None


def decode_duration_s(settings: DecodeSettings, n_pixels: int) -> int:
    """Estimate for how long a decoding needs the GPU, from steps and size [s].

    >>> from difficmh_core.config.profiles import preset_of
    >>> decode_duration_s(preset_of("sd21", "paper"), 768 * 512)
    10
    >>> decode_duration_s(preset_of("sd21", "paper"), 8_000_000)
    85
    """
    steps = 0 if settings.realism == 0 else settings.steps
    seconds = _SECONDS_BEFORE + _SECONDS_PER_STEP_AND_MEGAPIXEL * steps * n_pixels / 1e6
    return round(min(max(seconds, MIN_S), MAX_S))


def encode_duration_s(iterations: int, n_pixels: int) -> int:
    """Estimate for how long an encoding needs the GPU, from iterations and size [s].

    >>> encode_duration_s(0, 1_500_000)
    10
    >>> encode_duration_s(20, 1_500_000)
    20
    """
    seconds = _SECONDS_BEFORE + _SECONDS_PER_ITERATION_AND_MEGAPIXEL * iterations * n_pixels / 1e6
    return round(min(max(seconds, MIN_S), MAX_S))


def with_gpu(event: Event, duration_s: Callable[..., int] | int = MIN_S) -> Event:
    """Make a heavy event borrow a GPU while it runs, where GPUs are borrowed.

    Where none are, it runs on the model's thread.

    Args:
        event: A function or generator.
        duration_s: For how long [s]; or what tells it, given the event's arguments.
    """
    if not borrows_gpu():
        return on_model_thread(event)
    import spaces

    borrowed: Event = spaces.GPU(duration=duration_s)(event)
    return borrowed
