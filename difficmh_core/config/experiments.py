"""What an experiment on one photograph is called, and what it goes through."""

from dataclasses import dataclass

EXPERIMENT_NAMES = ("grid", "tags", "seeds", "sweep")
"""Keys of the experiments; the first is offered first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest:
    """Which experiment, and what it goes through.

    Attributes:
        experiment: One of :data:`EXPERIMENT_NAMES`.
        guidances: Of the grid.
        steps: Of the grid.
        n_seeds: How many seeds.
        qualities: Of the sweep.
    """

    experiment: str
    guidances: tuple[float, ...] = (1.0, 2.0, 5.0)
    steps: tuple[int, ...] = (1, 2, 4)
    n_seeds: int = 4
    qualities: tuple[float, ...] = (0, 25, 50, 75, 100)
