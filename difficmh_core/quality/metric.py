"""What one measure is: name, unit, range, which way is better, source."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from difficmh_core.errors import ConfigError

__all__ = ["Metric", "unknown_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What one measure is.

    Attributes:
        key: How tables and files name it.
        name: How people name it.
        unit: Its unit; empty for a pure number.
        lowest: Least value that it can take.
        highest: Largest value that it can take.
        is_higher_better: Which way is better.
        min_side_px: Shortest side of a picture on which it is defined [px].
        needs_weights: Whether fetched weights are needed.
        reference: Where it was published.
    """

    key: str
    name: str
    unit: str
    lowest: float
    highest: float
    is_higher_better: bool
    min_side_px: int
    needs_weights: bool
    reference: str


def unknown_name(
    what: str, name: str, choices: Iterable[str], further: Iterable[str] = ()
) -> ConfigError:
    """Return the error for a name that no table holds, with those that are spelled like it.

    Args:
        what: What the name should name: ``measure``.
        name: As it was given.
        choices: Names to offer.
        further: Names that would do too, offered only where they are near.
    """
    offered = list(choices)
    near = difflib.get_close_matches(name, [*offered, *further], n=5)
    return ConfigError(
        f"There is no {what} {name!r}{'; near are ' + ', '.join(near) if near else ''}. "
        f"Choose of {', '.join(offered)}{', or a name of pyiqa' if further else ''}."
    )
