"""What the page keeps for one visitor, and what a visitor sets."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from difficmh_core.codec import Encoded
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui import texts
from difficmh_core.ui.runtime.events import Event
from difficmh_core.ui.runtime.uploads import Photo

__all__ = [
    "KEPT_S",
    "CodingRequest",
    "Controls",
    "Session",
    "Source",
    "controls_of",
    "read_number",
    "read_request",
    "read_settings",
    "read_words",
]

KEPT_S = 600
"""What the page keeps for a visitor is forgotten after this time [s]."""
BY_QUALITY, BY_SIZE = "quality", "size"
"""What decides how large a file becomes."""
MOST_PASSES = 20
"""Of refinement. The command line takes more, but other visitors would wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """What the page keeps for one visitor.

    Attributes:
        photo: The photograph, if there is one.
        proposals: What the tagger saw; ``None`` until it was asked.
        offered: Tags that the page shows: the tagger's and the visitor's.
        encoded: The file.
        picture: Where the decoded picture of this file lies; ``None`` before it is decoded.
        settings: How a picture was last decoded; ``None`` before the first.
    """

    photo: Photo | None = None
    proposals: tuple[Tag, ...] | None = None
    offered: tuple[Tag, ...] = ()
    encoded: Encoded | None = None
    picture: str | None = None
    settings: DecodeSettings | None = None

    def lacks_picture(self, controls: Sequence[Any]) -> bool:
        """Return whether there is a file whose picture with these controls is not shown yet."""
        if self.encoded is None:
            return False
        if self.picture is None or self.settings is None:
            return True
        return tuple(controls_of(self.settings)) != tuple(controls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the tabs that measure a photograph take it from.

    Attributes:
        session: Holds what the page keeps for a visitor.
        changed: Events after which there is another file.
    """

    session: gr.State
    changed: Sequence[Event]


class Controls(NamedTuple):
    """What the controls of a decoding hold, unchecked, in the order of the page."""

    steps: float
    guidance_scale: float
    sampler: str
    seed: str
    start: float
    realism: float
    control_scale: float
    guidance_low: float
    guidance_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingRequest:
    """How the file shall be.

    Attributes:
        quality: 0 to 100; ``None`` where the networks have one rate, or the size decides.
        target_bytes: Largest file [bytes]; ``None`` where the quality decides.
        send_tags: Whether the file holds tags.
        tags: Names of the tags that it holds.
        passes: Of refinement; 0 leaves it out.
    """

    quality: float | None
    target_bytes: int | None
    send_tags: bool
    tags: tuple[str, ...]
    passes: int = 0


def read_request(
    mode: str,
    quality: float,
    target_bytes: float,
    send_tags: bool,
    passes: float = 0,
    tags: list[str] | None = None,
) -> CodingRequest:
    """Gather how a visitor wants the file.

    Raises:
        ConfigError: If a value is no number, a size is below one byte, there are too many
            passes, or the tags are no list of words.
    """
    n_passes = whole_number("passes", passes)
    if not 0 <= n_passes <= MOST_PASSES:
        raise ConfigError(texts.TOO_MANY_PASSES.format(most=MOST_PASSES, n=n_passes))
    if mode == BY_SIZE:
        n_bytes = whole_number("target_bytes", target_bytes)
        if n_bytes < 1:
            raise ConfigError(texts.TOO_FEW_BYTES.format(n_bytes=n_bytes))
    return CodingRequest(
        quality=None if mode == BY_SIZE else read_number("quality", quality),
        target_bytes=n_bytes if mode == BY_SIZE else None,
        send_tags=bool(send_tags),
        tags=read_words("tags", tags or []),
        passes=n_passes,
    )


def read_settings(controls: Controls) -> DecodeSettings:
    """Check what the controls hold.

    Raises:
        ConfigError: If a value is no number or outside its range.
    """
    return DecodeSettings(
        steps=whole_number("steps", controls.steps),
        guidance_scale=read_number("guidance_scale", controls.guidance_scale),
        sampler=_sampler(controls.sampler),
        seed=_seed(controls.seed),
        start=read_number("start", controls.start),
        realism=read_number("realism", controls.realism),
        control_scale=read_number("control_scale", controls.control_scale),
        guidance_interval=(
            read_number("guidance_low", controls.guidance_low),
            read_number("guidance_high", controls.guidance_high),
        ),
    )


def controls_of(settings: DecodeSettings) -> Controls:
    """Return what the controls hold for these settings."""
    return Controls(
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        sampler=settings.sampler.value,
        seed="" if settings.seed is None else str(settings.seed),
        start=settings.start,
        realism=settings.realism,
        control_scale=settings.control_scale,
        guidance_low=settings.guidance_interval[0],
        guidance_high=settings.guidance_interval[1],
    )


def read_number(name: str, value: object) -> float:
    """Return a number that a visitor entered.

    Args:
        name: Name of the setting, for the message.
        value: What the control or the program sent.

    Raises:
        ConfigError: If it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ConfigError(texts.NOT_A_NUMBER.format(name=name, value=value))
    # JSON has whole numbers of any length: isfinite() overflows on them, and Python will not
    # write out more than 4,300 of their digits.
    if abs(value) > sys.float_info.max:
        raise ConfigError(texts.NUMBER_TOO_LARGE.format(name=name))
    return value


def whole_number(name: str, value: object) -> int:
    """Return a whole number that a visitor entered.

    Raises:
        ConfigError: If it is none.
    """
    number = read_number(name, value)
    if number != int(number):
        raise ConfigError(texts.NOT_A_WHOLE_NUMBER.format(name=name, value=value))
    return int(number)


def read_words(name: str, value: object) -> tuple[str, ...]:
    """Return the words that a program sent.

    Raises:
        ConfigError: If they are no list of words.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ConfigError(texts.NO_WORDS.format(name=name, value=value))
    return tuple(value)


def _seed(value: str) -> int | None:
    """Return the seed in a text field; an empty one means the file's own."""
    text = str(value).strip()
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,20}", text):
        raise ConfigError(texts.NOT_A_WHOLE_NUMBER.format(name="seed", value=value))
    return int(text)


def _sampler(name: str) -> SamplerName:
    if name not in list(SamplerName):
        known = ", ".join(sampler.value for sampler in SamplerName)
        raise ConfigError(texts.NO_SUCH_SAMPLER.format(name=name, known=known))
    return SamplerName(name)
