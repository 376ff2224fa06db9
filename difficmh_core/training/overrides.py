"""Settings of a stage, changed by ``name=value`` from the command line."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from difficmh_core.errors import ConfigError

SettingsT = TypeVar("SettingsT", bound=Any)


def change_settings(settings: SettingsT, changes: Sequence[str]) -> SettingsT:
    """Return settings with some values changed.

    Args:
        settings: A stage's settings.
        changes: ``name=value`` or ``group.name=value`` each, the value in JSON; a word needs no
            quotation marks.

    Raises:
        ConfigError: If there is no such setting, or the value is of another kind.
    """
    for change in changes:
        name, separator, text = change.partition("=")
        if not separator:
            raise ConfigError(f"Expected NAME=VALUE, such as minutes=20, got {change!r}.")
        settings = _changed(settings, name, text)
    return settings


def _changed(settings: SettingsT, name: str, text: str) -> SettingsT:
    group, _, rest = name.partition(".")
    known = asdict(settings)
    if group not in known or (rest and not isinstance(known[group], dict)):
        raise ConfigError(
            f"{type(settings).__name__} has no setting {name!r}. Choose one of "
            f"{', '.join(sorted(known))}."
        )
    if rest:
        return replace(settings, **{group: _changed(getattr(settings, group), rest, text)})
    old = getattr(settings, group)
    if isinstance(old, StrEnum):
        choices = [choice.value for choice in type(old)]
        if text not in choices:
            raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {text!r}.")
        return replace(settings, **{group: type(old)(text)})
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"The value of {name} is not JSON: {text!r}.") from error
    if isinstance(value, list):
        value = tuple(value)
    if not _fits(get_type_hints(type(settings))[group], value):
        raise ConfigError(f"{name} is {old!r} by default; {text} is of another kind.")
    return replace(settings, **{group: value})


def _fits(hint: object, value: object) -> bool:
    """Tell whether a value is of a setting's type; whole numbers are real ones too."""
    if get_origin(hint) is tuple:
        hints = get_args(hint)
        return (
            isinstance(value, tuple) and len(value) == len(hints) and all(map(_fits, hints, value))
        )
    if get_args(hint):  # a union
        return any(_fits(option, value) for option in get_args(hint))
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    return type(value) is hint
