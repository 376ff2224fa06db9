"""A measure of one decoded picture against its original: what it needs, and how it is loaded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from difficmh_core.quality.measure import Measure
from difficmh_core.shapes import Image01

__all__ = ["Metric", "PairMeasure"]

PairMeasure = Callable[[Image01, Image01], Tensor]
"""Takes originals and decoded pictures, and gives one number for each pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Measure):
    """A measure of quality.

    Attributes:
        min_side_px: Shortest side of a picture on which it is defined [px].
        needs_weights: Whether fetched weights are needed.
        reference: Where it was published.
        load: Takes the folder of fetched weights and a device, and returns what measures; raises
            BackendUnavailableError or CheckpointError.
    """

    min_side_px: int
    needs_weights: bool
    reference: str
    load: Callable[[Path, torch.device], PairMeasure] = field(compare=False, repr=False)
