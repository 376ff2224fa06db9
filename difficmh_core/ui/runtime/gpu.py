"""Borrowed GPUs: on a ZeroGPU Space each event asks for one, for as long as it needs.

It then runs in a process of its own, to which all that it is given is pickled, and from which its
answers come back in the same way. Of an error only the name of its class would come back: it is
worded in that process. Elsewhere events run on the model's thread.
"""

import functools
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.ui.runtime.errors import with_errors
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.uploads import Photo
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
    """Tell whether GPUs are borrowed here: every Space has the package, not every one ZeroGPU."""
    if importlib.util.find_spec("spaces") is None:
        return False
    from spaces.config import Config

    return bool(Config.zero_gpu)


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


def decoding_s(stream: Bitstream, settings: DecodeSettings, *_: object) -> int:
    """Estimate as :func:`decode_duration_s`, of what a decoding event is given [s]."""
    return decode_duration_s(settings, stream.height_px * stream.width_px)


def encoding_s(photo: Photo, request: CodingRequest, *_: object) -> int:
    """Estimate as :func:`encode_duration_s`, of what an encoding event is given [s]."""
    height, width = photo.size_px
    return encode_duration_s(request.iterations, width * height)


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

    borrowed: Event = spaces.GPU(duration=duration_s)(_worded(event))
    return borrowed


def _worded(event: Event) -> Event:
    """Make an event's errors those that visitors read."""
    if inspect.isgeneratorfunction(event):
        return cast(Event, with_errors(event))

    @functools.wraps(event)
    def worded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as the event's)
        (answer,) = with_errors(lambda: iter([event(*args, **kwargs)]))()
        return answer

    return cast(Event, worded)
