"""What one measure is: name, unit, range, which way is better, source."""

from dataclasses import dataclass

__all__ = ["Metric"]


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
