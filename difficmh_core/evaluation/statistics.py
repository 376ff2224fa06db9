"""Means over a data set with bootstrap intervals.

References:
    Efron: Bootstrap Methods, Annals of Statistics 7(1), 1979 (the percentile interval)
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from difficmh_core.evaluation.comparison import Row
from difficmh_core.quality.metrics import metric_of
from difficmh_core.quality.set_distances import SET_METRICS
from difficmh_core.vision.tasks import MEASURES

__all__ = [
    "INTERVAL",
    "Estimate",
    "Summary",
    "bootstrap",
    "is_higher_better",
    "pooled_f1",
    "summarize",
]

Item = TypeVar("Item")
_N_RESAMPLES = 1000
INTERVAL = (2.5, 97.5)
"""Percentiles at the ends of every interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % bootstrap interval over pictures.

    Attributes:
        value: From all pictures.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Pictures on which it is defined.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All pictures of one codec at one target.

    Attributes:
        codec: Key of the codec.
        name: The codec as people name it.
        target_bpp: What the files might hold per pixel [bit].
        n: Pictures measured.
        n_failed: Pictures that the codec could not take.
        n_fitting: Files that hold no more than they might.
        bpp: Mean of what they hold per pixel [bit].
        encode_s: Median time to encode [s].
        decode_s: Median time to decode [s].
        values: Every measure, by its key, over the pictures on which it is defined; ``box_f1`` is
            over all boxes of all pictures.
    """

    codec: str
    name: str
    target_bpp: float
    n: int
    n_failed: int
    n_fitting: int
    bpp: float
    encode_s: float
    decode_s: float
    values: Mapping[str, Estimate]


def is_higher_better(key: str) -> bool:
    """Return which way a measure is better."""
    if key in SET_METRICS:
        return False
    return (MEASURES[key] if key in MEASURES else metric_of(key)).is_higher_better


def summarize(rows: Sequence[Row], targets_bpp: Sequence[float]) -> list[Summary]:
    """Return one summary for each codec and target, in the order of the rows.

    Args:
        rows: Of all pictures.
        targets_bpp: The targets of the run, to which each row's is the nearest.
    """
    groups = defaultdict[tuple[float, str], list[Row]](list)
    for row in rows:
        target = min(targets_bpp, key=lambda bpp: abs(bpp - row.target_bpp))
        groups[target, row.codec].append(row)
    made = list[Summary]()
    for (target, codec), group in groups.items():
        good = [row for row in group if row.error is None]
        if not good:
            continue
        measured = {
            key: [row for row in good if key in row.values]
            for key in dict.fromkeys(key for row in good for key in row.values)
        }
        made.append(
            Summary(
                codec=codec,
                name=group[0].name,
                target_bpp=target,
                n=len(good),
                n_failed=len(group) - len(good),
                n_fitting=sum(row.fits for row in good),
                bpp=float(np.mean([row.bpp for row in good])),
                encode_s=float(np.median([row.encode_s for row in good])),
                decode_s=float(np.median([row.decode_s for row in good])),
                values={key: bootstrap(own, _mean_of(key)) for key, own in measured.items()},
            )
        )
    return made


def _mean_of(key: str) -> Callable[[Sequence[Row]], float]:
    """Return what takes the mean of a measure; F1 of boxes is pooled, not averaged."""

    def pooled(rows: Sequence[Row]) -> float:
        return pooled_f1(
            *(
                sum(row.values[f"boxes_{kind}"] for row in rows)
                for kind in ("matched", "missed", "hallucinated")
            )
        )

    def mean(rows: Sequence[Row]) -> float:
        return float(np.mean([row.values[key] for row in rows]))

    return pooled if key == "box_f1" else mean


def pooled_f1(matched: float, missed: float, hallucinated: float) -> float:
    """Return F1 of boxes counted over many pictures, 0 to 1; 1 if there are none at all."""
    wrong = missed + hallucinated
    return 2 * matched / (2 * matched + wrong) if matched + wrong else 1.0


def bootstrap(
    items: Sequence[Item],
    statistic: Callable[[Sequence[Item]], float],
    *,
    n_resamples: int = _N_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return a statistic with its 95 % percentile interval.

    Args:
        items: Independent observations, at least one.
        statistic: From observations to a number.
        n_resamples: How often to draw as many observations with replacement.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    n = len(items)
    drawn = [
        statistic([items[index] for index in random.integers(0, n, n)]) for _ in range(n_resamples)
    ]
    # Between infinite values (PSNR of equal pictures) there is nothing to interpolate.
    method: Literal["linear", "inverted_cdf"] = (
        "linear" if np.isfinite(drawn).all() else "inverted_cdf"
    )
    low, high = np.percentile(drawn, INTERVAL, method=method)
    return Estimate(value=statistic(items), low=float(low), high=float(high), n=n)
