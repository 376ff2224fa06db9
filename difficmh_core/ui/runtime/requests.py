"""What visitors and programs ask for, unchecked as it comes, and read: settings within ranges."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from difficmh_core.config.coding import DEFAULT_QUALITY
from difficmh_core.config.decoding import SETTINGS, DecodeSettings
from difficmh_core.config.kinds import Setting
from difficmh_core.errors import ConfigError
from difficmh_core.ui import texts

BY_QUALITY, BY_SIZE = "quality", "size"
"""What decides how large a file becomes."""
CODING_DEFAULTS: Mapping[str, Any] = {
    "mode": BY_QUALITY,
    "quality": DEFAULT_QUALITY,
    "bytes": 2000.0,
    "tags": True,
    "iterations": 0.0,
}
"""How files are made unless a visitor says otherwise, by the names in a link; the arguments of
:func:`read_request` come in this order."""
MOST_ITERATIONS = 20
"""Of latent optimization. The command line takes more, but other visitors would wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingRequest:
    """How the file shall be.

    Attributes:
        quality: 0 to 100; ``None`` where the networks have one rate, or the size decides.
        target_bytes: Largest file [bytes]; ``None`` where the quality decides.
        send_tags: Whether the file holds tags.
        tags: Names of the tags that it holds.
        iterations: Of latent optimization; 0 leaves it out.
    """

    quality: float | None = DEFAULT_QUALITY
    target_bytes: int | None = None
    send_tags: bool = True
    tags: tuple[str, ...] = ()
    iterations: int = 0


def read_request(
    mode: str,
    quality: float,
    target_bytes: float,
    send_tags: bool,
    iterations: float = 0,
    tags: list[str] | None = None,
) -> CodingRequest:
    """Gather how a visitor, or a program, wants the file.

    Raises:
        ConfigError: If a value is no number, a size is below one byte, there are too many
            iterations, or the tags are no list of words.
    """
    n_iterations = whole_number("iterations", iterations)
    if not 0 <= n_iterations <= MOST_ITERATIONS:
        raise ConfigError(texts.TOO_MANY_ITERATIONS.format(most=MOST_ITERATIONS, n=n_iterations))
    if mode == BY_SIZE:
        n_bytes = whole_number("target_bytes", target_bytes)
        if n_bytes < 1:
            raise ConfigError(texts.TOO_FEW_BYTES.format(n_bytes=n_bytes))
    return CodingRequest(
        quality=None if mode == BY_SIZE else read_number("quality", quality),
        target_bytes=n_bytes if mode == BY_SIZE else None,
        send_tags=bool(send_tags),
        tags=read_words("tags", tags or []),
        iterations=n_iterations,
    )


def read_settings(controls: Mapping[str, object]) -> DecodeSettings:
    """Check what the controls hold, by their names.

    Raises:
        ConfigError: If a value is no number or outside its range.
    """
    values = {}
    for setting in SETTINGS:
        names = [control.name for control in setting.controls]
        held = [_read(setting, name, controls[name]) for name in names]
        values[setting.name] = setting.of_controls(held)
    return DecodeSettings(**values)


def read_number(name: str, value: object) -> float:
    """Read a number that a visitor entered.

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
    """Read a whole number that a visitor entered.

    Raises:
        ConfigError: If it is none.
    """
    number = read_number(name, value)
    if number != int(number):
        raise ConfigError(texts.NOT_A_WHOLE_NUMBER.format(name=name, value=value))
    return int(number)


def read_words(name: str, value: object) -> tuple[str, ...]:
    """Read the words that a program sent.

    Raises:
        ConfigError: If they are no list of words.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ConfigError(texts.NO_WORDS.format(name=name, value=value))
    return tuple(value)


def _read(setting: Setting, name: str, value: object) -> object:
    """Read one control; a text is checked by the setting itself."""
    if setting.held_type is str:
        return value
    return whole_number(name, value) if setting.held_type is int else read_number(name, value)
