"""What the page keeps for one visitor, and what a visitor sets."""

import math
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from difficmh_core.codec import Encoded
from difficmh_core.config import DecodeSettings, SamplerName
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag
from ui import texts

__all__ = ["Decoding", "Session", "Update", "read_number", "read_settings"]

Update = dict[str, Any]
"""What Gradio makes of ``gr.update``: a component's new properties."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """What the page keeps for one visitor.

    Attributes:
        photo: The uploaded photograph without its metadata, a PNG in the page's cache.
        name: Name of the upload without its suffix.
        upload_bytes: Size of the upload [bytes].
        proposals: What the tagger saw; ``None`` until it was asked.
        encoded: The file.
        is_decoded: Whether a decoded picture of this photograph is on the page.
    """

    photo: str | None = None
    name: str = "photo"
    upload_bytes: int = 0
    proposals: tuple[Tag, ...] | None = None
    encoded: Encoded | None = None
    is_decoded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoding:
    """The state of one decoding.

    Attributes:
        index: Steps done, 0 before the first.
        total: Steps in all.
        seconds: Time since the start [s].
        preview: A small picture, enlarged; ``None`` before the first step.
        image: The finished picture, ``None`` before the last step.
    """

    index: int
    total: int
    seconds: float
    preview: Image.Image | None = None
    image: Image.Image | None = None


def read_settings(
    steps: float,
    guidance_scale: float,
    sampler: str,
    seed: str,
    start: float,
    realism: float,
    control_scale: float,
    guidance_low: float,
    guidance_high: float,
) -> DecodeSettings:
    """Gather what the controls hold.

    Raises:
        ConfigError: If a value is no number or outside its range.
    """
    return DecodeSettings(
        steps=_whole_number("steps", steps),
        guidance_scale=read_number("guidance_scale", guidance_scale),
        sampler=_sampler(sampler),
        seed=_seed(seed),
        start=read_number("start", start),
        realism=read_number("realism", realism),
        control_scale=read_number("control_scale", control_scale),
        guidance_interval=(
            read_number("guidance_low", guidance_low),
            read_number("guidance_high", guidance_high),
        ),
    )


def read_number(name: str, value: object) -> float:
    """Return a number that a visitor entered.

    Args:
        name: Name of the setting, for the message.
        value: What the control or the program sent.

    Raises:
        ConfigError: If it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(texts.NOT_A_NUMBER.format(name=name, value=value))
    return value


def _whole_number(name: str, value: object) -> int:
    number = read_number(name, value)
    if number != int(number):
        raise ConfigError(texts.NOT_A_WHOLE_NUMBER.format(name=name, value=value))
    return int(number)


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
