"""Kinds of settings: a number, an interval, a choice, a seed, and what each says about itself.

A setting is declared once, beside the type of its field::

    realism: Annotated[float, Number(option="--realism", low=0.0, high=1.0, step=0.05, ...)]

The check of its values, its option on the command line, its control on the page, its parameter at
the endpoints, its key in links and its place in reports all follow from the declaration.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_args, get_type_hints

from difficmh_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of the page.

    Attributes:
        name: In links, messages and tables.
        label: What stands above it.
        help: What it does, a sentence.
    """

    name: str
    label: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(ABC):
    """A setting of any kind.

    Attributes:
        option: On the command line.
        unit: Of the value; empty for a pure number.
        metavar: What stands for the value there; ``None`` takes the name.
        label: On the page.
        help: What it does, a sentence for the page.
        summary: The same with the range, for the command line and the endpoints; without one,
            they take the page's.
        name: Of the field. :func:`declared_in` fills it in.
        value_type: Of the field, likewise.
    """

    option: str
    unit: str = ""
    metavar: str | tuple[str, ...] | None = None
    label: str
    help: str
    summary: str = ""
    name: str = ""
    value_type: Any = None

    @property
    def is_preset(self) -> bool:
        """Whether choosing a preset on the page fills the controls."""
        return True

    @property
    def controls(self) -> tuple[Control, ...]:
        """What holds the value on the page."""
        return (Control(name=self.name, label=self.label, help=self.help),)

    @property
    def held_type(self) -> type:
        """Of what one control holds, and of the parameter of an endpoint."""
        return str

    @property
    def parsing(self) -> Mapping[str, Any]:
        """How argparse reads the option."""
        return {"type": self.held_type}

    @property
    def unset(self) -> float | str:
        """What an endpoint takes for the preset's value."""
        return ""

    @property
    def told(self) -> str:
        """What it does, without a full stop."""
        return self.summary or self.help.removesuffix(".")

    @property
    def option_help(self) -> str:
        """What the command line says."""
        return self.told[0].lower() + self.told[1:]

    @property
    def parameter_help(self) -> str:
        """What an endpoint says."""
        return f"{self.told}; {'empty' if self.unset == '' else self.unset} takes the preset's."

    @abstractmethod
    def check(self, value: Any) -> None:  # noqa: ANN401 (each kind has its own)
        """Refuse a value that is out of range, with a :class:`ConfigError`."""

    def as_controls(self, value: Any) -> tuple[float | str, ...]:  # noqa: ANN401
        """What the controls hold."""
        return (value,)

    def of_controls(self, held: Sequence[Any]) -> Any:  # noqa: ANN401
        """The value of what the controls hold."""
        (value,) = held
        return value

    def as_words(self, value: Any) -> list[str]:  # noqa: ANN401
        """The option and its value, as one writes them on the command line."""
        words = [str(held).removesuffix(".0") for held in self.as_controls(value)]
        return [self.option, *words] if all(words) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Setting):
    """A number, a whole one where the field's type is ``int``.

    Attributes:
        low: Smallest value.
        high: Largest value.
        excludes_low: Whether the smallest value itself is out of range.
        slider: From where to where the slider goes; ``None`` for the whole range.
        step: Of the slider.
    """

    low: float
    high: float
    excludes_low: bool = False
    slider: tuple[float, float] | None = None
    step: float

    @property
    def held_type(self) -> type:
        """The field's."""
        return self.value_type  # type: ignore[no-any-return]

    @property
    def unset(self) -> float:
        """A number out of range."""
        return -1 if self._holds(0) else 0

    @property
    def told(self) -> str:
        """What it does, with the range in place of ``{low}`` and ``{high}``."""
        return super(Number, self).told.format(low=f"{self.low:g}", high=f"{self.high:g}")

    def check(self, value: float) -> None:
        """Refuse a value that is out of range."""
        if not self._holds(value):
            low, high = self.low, self.high
            wanted = f"({low}, {high}]" if self.excludes_low else f"{low} to {high}"
            raise ConfigError(f"{self.name} must lie in {wanted}, got {value}.")

    def _holds(self, value: float) -> bool:
        is_low = value <= self.low if self.excludes_low else value < self.low
        return math.isfinite(value) and not is_low and value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Setting):
    """Two ascending numbers from 0 to 1. Endpoints, whose parameters are single, have none.

    Attributes:
        ends: Names of the lower and of the upper one's control, with the help of each.
        step: Of their sliders.
    """

    ends: Mapping[str, str]
    step: float

    @property
    def controls(self) -> tuple[Control, ...]:
        """What holds the value on the page."""
        return tuple(
            Control(name=name, label=f"{self.label}, {end}", help=words)
            for end, (name, words) in zip(("low", "high"), self.ends.items(), strict=True)
        )

    @property
    def held_type(self) -> type:
        """Of each end."""
        return float

    @property
    def parsing(self) -> Mapping[str, Any]:
        """How argparse reads the option."""
        return {"type": float, "nargs": 2}

    def check(self, value: tuple[float, float]) -> None:
        """Refuse numbers that are out of range or descend."""
        low, high = value
        if not 0 <= low <= high <= 1:
            wanted = f"two ascending {self.unit} in 0 to 1"
            raise ConfigError(f"{self.name} must be {wanted}, got {low} to {high}.")

    def as_controls(self, value: tuple[float, float]) -> tuple[float, ...]:
        """What the controls hold."""
        return value

    def of_controls(self, held: Sequence[float]) -> tuple[float, ...]:
        """The value of what the controls hold."""
        return tuple(held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Setting):
    """One of several names.

    Attributes:
        labels: What the page calls each of them.
    """

    labels: Mapping[str, str]

    @property
    def parsing(self) -> Mapping[str, Any]:
        """How argparse reads the option."""
        return {"choices": list(self.labels)}

    @property
    def parameter_help(self) -> str:
        """What an endpoint says."""
        *others, last = self.labels
        return f"{', '.join(others)} or {last}; empty takes the preset's."

    def check(self, value: object) -> None:
        """Refuse a name that is none of them."""
        if value not in list(self.labels):
            known = ", ".join(self.labels)
            raise ConfigError(f"There is no {self.name} {value!r}. Choose one of {known}.")

    def as_controls(self, value: str) -> tuple[str, ...]:
        """What the controls hold."""
        return (str(value),)

    def of_controls(self, held: Sequence[object]) -> Any:  # noqa: ANN401 (of the field's type)
        """The value of what the controls hold; a name that is none of them is refused."""
        (name,) = held
        self.check(name)
        return self.value_type(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed(Setting):
    """What random numbers begin with, up to ``2**63 - 1``. ``None`` derives it from the file.

    Attributes:
        placeholder: What the page shows for ``None``.
    """

    placeholder: str

    @property
    def is_preset(self) -> bool:
        """No: a visitor's seed stays, whatever preset is chosen."""
        return False

    @property
    def parsing(self) -> Mapping[str, Any]:
        """How argparse reads the option."""
        return {"type": int}

    @property
    def option_help(self) -> str:
        """What the command line says."""
        return f"{super(Seed, self).option_help}; by default it is derived from the file"

    @property
    def parameter_help(self) -> str:
        """What an endpoint says."""
        return f"{self.told}; empty derives it from the file."

    def check(self, value: int | None) -> None:
        """Refuse what is negative or too large."""
        if value is not None and not 0 <= value < 2**63:
            raise ConfigError(f"{self.name} must lie in 0 to 2**63 - 1, got {value}.")

    def as_controls(self, value: int | None) -> tuple[str, ...]:
        """What the controls hold."""
        return ("" if value is None else str(value),)

    def of_controls(self, held: Sequence[object]) -> int | None:
        """The value of what the controls hold, read where it is a text."""
        (value,) = held
        text = str(value).strip()
        if text and not re.fullmatch(r"-?[0-9]{1,20}", text):
            raise ConfigError(f"{self.name} must be a whole number, got {value!r}.")
        return int(text) if text else None


def declared_in(cls: type) -> tuple[Setting, ...]:
    """The settings of a dataclass, in the order of its fields."""
    hints = get_type_hints(cls, include_extras=True)
    table = []
    for field in fields(cls):
        value_type, setting = get_args(hints[field.name])
        table.append(replace(setting, name=field.name, value_type=value_type))
    return tuple(table)
