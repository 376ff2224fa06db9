"""Means over a data set with bootstrap intervals.

References:
    Efron: Bootstrap Methods, Annals of Statistics 7(1), 1979 (the percentile interval)
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from difficmh_core.evaluation.comparison import Row
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.quality.metric import Metric

_N_RESAMPLES = 1000
"""How often as many pictures are drawn, with replacement."""
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
        values: Every metric, by its key, over the pictures on which it is defined.
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
        keys = dict.fromkeys(key for row in good for key in row.values)
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
                values={
                    key: bootstrap(
                        metric_of(key), [row.values for row in good if key in row.values]
                    )
                    for key in keys
                },
            )
        )
    return made


def bootstrap(metric: Metric, pictures: Sequence[Mapping[str, float]]) -> Estimate:
    """Return a metric of several pictures with its 95 % percentile interval.

    Args:
        metric: Knows how it is taken over pictures.
        pictures: The values of each picture by their keys, at least one picture.
    """
    n = len(pictures)
    draws = np.random.default_rng(0).integers(0, n, (_N_RESAMPLES, n))

    def column(key: str) -> NDArray[np.float64]:
        return np.array([values[key] for values in pictures], dtype=np.float64)

    drawn = metric.over_pictures(lambda key: column(key)[draws])
    # Between infinite values (PSNR of equal pictures) there is nothing to interpolate.
    method: Literal["linear", "inverted_cdf"] = (
        "linear" if np.isfinite(drawn).all() else "inverted_cdf"
    )
    low, high = np.percentile(drawn, INTERVAL, method=method)
    value = metric.over_pictures(column)
    return Estimate(value=float(value), low=float(low), high=float(high), n=n)
