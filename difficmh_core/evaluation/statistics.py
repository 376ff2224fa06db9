"""Means over a data set with bootstrap intervals, and Bjøntegaard deltas.

References:
    Bjøntegaard: Calculation of average PSNR differences between RD curves, VCEG-M33, 2001
    Herglotz et al.: The Bjøntegaard Bible, 2024, https://arxiv.org/abs/2304.12852
    Efron: Bootstrap Methods, Annals of Statistics 7(1), 1979 (the percentile interval)
"""

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import bjontegaard
import numpy as np

from difficmh_core.evaluation.comparison import Row
from difficmh_core.quality.metrics import METRICS
from difficmh_core.vision.tasks import MEASURES

__all__ = [
    "Estimate",
    "Summary",
    "bd_quality",
    "bd_rate",
    "bootstrap",
    "is_higher_better",
    "summarize",
]

Item = TypeVar("Item")
Curve = Sequence[tuple[float, float]]
"""Rate [bit per pixel] and quality, one pair for each target."""
_N_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)
_FEWEST_POINTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % bootstrap interval over pictures.

    Attributes:
        value: From all pictures.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


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
        values: Every measure, by its key; ``box_f1`` is over all boxes of all pictures.
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
    return METRICS[key].is_higher_better if key in METRICS else MEASURES[key].is_higher_better


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
        keys = [key for key in good[0].values if all(key in row.values for row in good)]
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
                values={key: bootstrap(good, _mean_of(key)) for key in keys},
            )
        )
    return made


def _mean_of(key: str) -> Callable[[Sequence[Row]], float]:
    """Return what takes the mean of a measure; F1 of boxes is pooled, not averaged."""

    def pooled(rows: Sequence[Row]) -> float:
        matched, missed, hallucinated = (
            sum(row.values[f"boxes_{kind}"] for row in rows)
            for kind in ("matched", "missed", "hallucinated")
        )
        wrong = missed + hallucinated
        return 2 * matched / (2 * matched + wrong) if matched + wrong else 1.0

    def mean(rows: Sequence[Row]) -> float:
        return float(np.mean([row.values[key] for row in rows]))

    return pooled if key == "box_f1" else mean


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
    low, high = np.percentile(drawn, _INTERVAL)
    return Estimate(value=statistic(items), low=float(low), high=float(high))


def bd_rate(anchor: Curve, test: Curve, *, higher_is_better: bool = True) -> float | None:
    """Return how many more bits the test codec takes for equal quality [%].

    Args:
        anchor: The curve to compare with.
        test: The curve in question.
        higher_is_better: Which way the quality is better.

    Returns:
        ``None`` where it is not defined: fewer than three points, curves that do not rise, or
        qualities that no two points have in common.
    """
    return _delta(bjontegaard.bd_rate, anchor, test, higher_is_better)


def bd_quality(anchor: Curve, test: Curve, *, higher_is_better: bool = True) -> float | None:
    """Return how much better the test codec is at equal bits, in the quality's unit.

    Arguments and ``None`` as in :func:`bd_rate`; positive is always better.
    """
    return _delta(bjontegaard.bd_psnr, anchor, test, higher_is_better)


def _delta(
    compute: Callable[..., float], anchor: Curve, test: Curve, higher_is_better: bool
) -> float | None:
    sign = 1.0 if higher_is_better else -1.0
    curves = [
        sorted((rate, sign * quality) for rate, quality in curve) for curve in (anchor, test)
    ]
    for curve in curves:
        rises = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(curve))
        if len(curve) < _FEWEST_POINTS or not rises:
            return None
    qualities = [[quality for _, quality in curve] for curve in curves]
    rates = [[rate for rate, _ in curve] for curve in curves]
    for values in (qualities, rates):
        if max(values[0][0], values[1][0]) >= min(values[0][-1], values[1][-1]):
            return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a small overlap; the caller sees the curves
        value = compute(
            rates[0], qualities[0], rates[1], qualities[1], "pchip", require_matching_points=False
        )
    return float(value)
