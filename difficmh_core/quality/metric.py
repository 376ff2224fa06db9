"""What one metric is: name, unit, range, direction, group, and how it is summed up."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Image01

Numbers = NDArray[np.floating[Any]]
PairFunction = Callable[[Image01, Image01], Tensor]
"""Takes originals and decoded pictures, and gives one number for each pair."""
ARROWS = {True: "↑", False: "↓"}


class Group(StrEnum):
    """What a metric is about; a table of results has a section for each."""

    DISTORTION = "distortion"
    """How far pixels and structures are from the original's."""
    PERCEPTION = "perception"
    """How different a picture looks, as a network predicts it."""
    COLOR = "color"
    """How far colors are from the original's, on average over areas."""
    MACHINES = "machines"
    """How far a machine's answers to the two pictures agree."""
    COUNTS = "counts"
    """Numbers of things, from which another metric is pooled."""
    DEPTH = "depth"
    """How far features move after one stage of a network."""
    ANNOTATIONS = "annotations"
    """How far a machine's answers agree with those of people, over all pictures."""
    SETS = "sets"
    """How far all decoded pictures are from all originals, one number for the whole set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How a ratio of counts is taken over several pictures: from the sums of its counts.

    Attributes:
        counts: Keys of the counts.
        ratio: From the sums of the counts, in this order, to the metric.
    """

    counts: tuple[str, ...]
    ratio: Callable[..., Numbers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What one metric is.

    Attributes:
        key: How command lines, tables and files name it.
        name: How people name it.
        group: What it is about.
        is_higher_better: Which way is better.
        unit: Its unit; empty for a pure number.
        short: Its name where there is little room; empty where there is none but ``name``.
        digits: Digits behind the point of one picture's value.
        lowest: Least value that it can take.
        highest: Largest value that it can take.
        pooling: How it is taken over several pictures; ``None`` for the mean.
        has_column: Whether the table of one comparison has a column for it.
    """

    key: str
    name: str
    group: Group
    is_higher_better: bool
    unit: str = ""
    short: str = ""
    digits: int = 3
    lowest: float = 0.0
    highest: float = inf
    pooling: Pooling | None = None
    has_column: bool = True

    @property
    def arrow(self) -> str:
        """Where it is better."""
        return ARROWS[self.is_higher_better]

    @property
    def label(self) -> str:
        """Name, unit and arrow."""
        return self._with_unit(self.name)

    @property
    def short_label(self) -> str:
        """The same with the short name."""
        return self._with_unit(self.short or self.name)

    @property
    def heading(self) -> str:
        """The shortest that a narrow column can do with."""
        return f"{self.short} {self.arrow}" if self.short else self.label

    def text(self, value: float) -> str:
        """One picture's value, with as many digits as it deserves."""
        return f"{value:.{self.digits}f}"

    def over_pictures(self, column: Callable[[str], Numbers]) -> Numbers:
        """The metric over several pictures: the mean, or what the sums of its counts give.

        Args:
            column: Returns a metric of each picture, by its key; pictures on the last axis.
        """
        if self.pooling is None:
            return np.asarray(column(self.key).mean(axis=-1))
        return self.pooling.ratio(*(column(key).sum(axis=-1) for key in self.pooling.counts))

    def _with_unit(self, name: str) -> str:
        return f"{name}{f' [{self.unit}]' if self.unit else ''} {self.arrow}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetric(Metric):
    """A metric of quality.

    Attributes:
        min_side_px: Shortest side of a picture on which it is defined [px].
        load: Takes the folder of fetched weights and returns what measures; raises
            BackendUnavailableError or CheckpointError.
    """

    min_side_px: int
    load: Callable[[Path], PairFunction] = field(compare=False, repr=False)


def unknown_name(
    what: str, name: str, choices: Iterable[str], further: Iterable[str] = ()
) -> ConfigError:
    """The error for a name that no table holds, with those that are spelled like it.

    Args:
        what: What the name should name: ``metric``.
        name: As it was given.
        choices: Names to offer.
        further: Names that would do too, offered only where they are near.
    """
    offered = list(choices)
    near = difflib.get_close_matches(name, [*offered, *further], n=5)
    return ConfigError(
        f"There is no {what} {name!r}{'; near are ' + ', '.join(near) if near else ''}. "
        f"Choose from {', '.join(offered)}{', or a name of pyiqa' if further else ''}."
    )
