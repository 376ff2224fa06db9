"""Bjøntegaard deltas between codecs, with bootstrap intervals over pictures.

The curve of a codec is its mean quality over its mean rate, a point for each target. Intervals
draw pictures with replacement, the same ones for both codecs, and take the delta of each draw.

References:
    Bjøntegaard: Calculation of average PSNR differences between RD curves, VCEG-M33, 2001
    Herglotz et al.: The Bjøntegaard Bible, 2024, https://arxiv.org/abs/2304.12852
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import bjontegaard
import numpy as np
from numpy.typing import NDArray

from difficmh_core.evaluation.comparison import Row
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.statistics import INTERVAL
from difficmh_core.quality.metric import Metric
from difficmh_core.vision.coco_map import MeanPrecision
from difficmh_core.vision.task_metrics import COCO_MAP

Curve = Sequence[tuple[float, float]]
"""Rate [bit per pixel] and quality, one pair for each target."""
_FEWEST_POINTS = 3
_N_RESAMPLES = 200
_LEAST_SHARE = 0.9
"""Share of the draws whose delta must be defined, or there is no interval."""


def codec_deltas(
    rows: Sequence[Row], targets_bpp: Sequence[float], anchor: str
) -> list[dict[str, Any]]:
    """Return the Bjøntegaard deltas of every codec against one, for every metric.

    ``bd_rate_percent`` is how many more bits the codec takes at equal quality; ``bd_quality`` how
    much better it is at equal bits. Each holds ``value``, and ``low`` and ``high``, the ends of
    its 95 % interval, which one picture alone does not have; ``None`` where a curve does not rise
    or the curves have nothing in common.

    Args:
        rows: Of all pictures; those that a codec could not take at every target are left out.
        targets_bpp: The targets of the run, to which each row's is the nearest.
        anchor: Key of the codec to compare with.
    """
    made = list[dict[str, Any]]()
    for codec in dict.fromkeys(row.codec for row in rows):
        if codec == anchor:
            continue
        found, pictures = _shared(rows, targets_bpp, (anchor, codec))
        for key in dict.fromkeys(key for row in found.values() for key in row.values):
            lacking = {name for (_, name, _), row in found.items() if key not in row.values}
            names = [name for name in pictures if name not in lacking]
            if not names:
                continue
            n, metric = len(names), metric_of(key)
            draws = [np.arange(n), *(_draws(n) if n > 1 else ())]
            tables = (
                [[found[which, name, i] for name in names] for i in range(len(targets_bpp))]
                for which in (anchor, codec)
            )
            first, second = (_curves(table, metric, draws) for table in tables)
            (all_of_them, *drawn) = zip(first, second, strict=True)
            made.append(_line((anchor, codec), n, metric, all_of_them, drawn))
    return made


def precision_deltas(
    precisions: Mapping[tuple[str, float], tuple[float, MeanPrecision]], anchor: str
) -> list[dict[str, Any]]:
    """Return BD-rate and BD-mAP of every codec against one, as :func:`codec_deltas`.

    Args:
        precisions: For each codec and target its mean rate [bit per pixel] and its precision on
            the same pictures, whose draws then belong together.
        anchor: Key of the codec to compare with.
    """
    curves: dict[str, list[tuple[float, MeanPrecision]]] = {}
    for (codec, _), point in sorted(precisions.items()):
        curves.setdefault(codec, []).append(point)
    made = list[dict[str, Any]]()
    for codec, points in curves.items():
        if codec == anchor or anchor not in curves:
            continue
        pair = curves[anchor], points
        if len({point.n for curve in pair for _, point in curve}) > 1:
            continue  # not the same pictures
        n_draws = min(len(point.draws) for curve in pair for _, point in curve)
        draws = [
            tuple([(bpp, point.draws[index]) for bpp, point in curve] for curve in pair)
            for index in range(n_draws)
        ]
        means = tuple([(bpp, point.value) for bpp, point in curve] for curve in pair)
        made.append(_line((anchor, codec), points[0][1].n, COCO_MAP, means, draws))
    return made


def set_deltas(
    distances: Sequence[Mapping[str, Any]], bpp: Mapping[tuple[str, float], float], anchor: str
) -> list[dict[str, Any]]:
    """Return the deltas of distances of sets, which have no intervals over pictures.

    Args:
        distances: Of each codec and target, as
            :meth:`~difficmh_core.evaluation.picture_sets.PictureSets.distances`.
        bpp: Mean rate of each codec and target [bit per pixel].
        anchor: Key of the codec to compare with.
    """
    curves = dict[tuple[str, str], list[tuple[float, float]]]()
    sizes = dict[tuple[str, str], set[int]]()
    for line in distances:
        if line["value"] is not None:
            place = line["codec"], line["measure"]
            rate = bpp[line["codec"], line["rate_bpp"]]
            curves.setdefault(place, []).append((rate, line["value"]))
            sizes.setdefault(place, set()).add(line["n_pictures"])
    return [
        _line(
            (anchor, codec), max(sizes[codec, key]), metric_of(key), (curves[anchor, key], curve)
        )
        for (codec, key), curve in curves.items()
        if codec != anchor
        and (anchor, key) in curves
        and len(sizes[codec, key] | sizes[anchor, key]) == 1  # the same pictures
    ]


def bd_rate(anchor: Curve, test: Curve, *, higher_is_better: bool = True) -> float | None:
    """Bjøntegaard delta of the rate: how many more bits the test codec takes at equal quality [%].

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
    """Bjøntegaard delta of the quality: how much better the test codec is at equal bits.

    It has the quality's unit; positive is always better. Arguments and ``None`` as in
    :func:`bd_rate`.
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
        if not np.isfinite(curve).all():
            return None
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


def _curves(
    rows: Sequence[Sequence[Row]], metric: Metric, draws: Sequence[NDArray[np.int64]]
) -> list[Curve]:
    """Return rate and quality over the pictures of each draw.

    Args:
        rows: One codec's: a line for each target, a column for each picture.
        metric: The quality.
        draws: Columns.
    """
    bpp = np.array([[row.bpp for row in line] for line in rows])

    @cache
    def array(key: str) -> NDArray[np.float64]:
        return np.array([[row.values[key] for row in line] for line in rows])

    def curve(drawn: NDArray[np.int64]) -> Curve:
        heights = metric.over_pictures(lambda key: array(key)[:, drawn])
        return list(zip(bpp[:, drawn].mean(axis=1), heights, strict=True))

    return [curve(drawn) for drawn in draws]


def _shared(
    rows: Sequence[Row], targets_bpp: Sequence[float], codecs: tuple[str, str]
) -> tuple[dict[tuple[str, str, int], Row], list[str]]:
    """Return the rows of the pictures that both codecs took at every target, and their names."""
    targets = sorted(targets_bpp)
    found = dict[tuple[str, str, int], Row]()
    for row in rows:
        index = int(np.argmin([abs(bpp - row.target_bpp) for bpp in targets]))
        if row.codec in codecs and row.error is None:
            found[row.codec, row.picture, index] = row
    pictures = [
        name
        for name in dict.fromkeys(row.picture for row in rows)
        if all((codec, name, i) in found for codec in codecs for i in range(len(targets)))
    ]
    return {place: row for place, row in found.items() if place[1] in pictures}, pictures


def _draws(n: int) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(0)
    return (random.integers(0, n, n) for _ in range(_N_RESAMPLES))


def _line(
    codecs: tuple[str, str],
    n: int,
    metric: Metric,
    curves: Sequence[Curve],
    draws: Sequence[Sequence[Curve]] = (),
) -> dict[str, Any]:
    """Return both deltas of a codec against the first of the two, with their intervals."""
    anchor, codec = codecs
    made: dict[str, Any] = {"codec": codec, "anchor": anchor, "measure": metric.key, "n": n}
    for name, delta in {"bd_rate_percent": bd_rate, "bd_quality": bd_quality}.items():
        value, *drawn = (
            delta(*pair, higher_is_better=metric.is_higher_better) for pair in (curves, *draws)
        )
        known = [number for number in drawn if number is not None]
        low = high = None
        if value is not None and drawn and len(known) >= _LEAST_SHARE * len(drawn):
            low, high = (round(float(end), 5) for end in np.percentile(known, INTERVAL))
        made[name] = {
            "value": None if value is None else round(value, 5),
            "low": low,
            "high": high,
        }
    return made
