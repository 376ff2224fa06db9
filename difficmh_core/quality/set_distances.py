"""Distances between two sets of pictures, from the features of their patches.

Fréchet distance of the two Gaussians that have the sets' means m and covariances C::

    d = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))

Kernel distance, the squared maximum mean discrepancy under k(x, y) = (x·y / d + 1)^3, over all
pairs of different pictures::

    MMD^2 = mean_{i != j} k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)

It has no bias (it may be below zero), also where y_i is the decoded x_i; with the pairs i = j in
the last two terms, as for sets that have nothing to do with each other, it would be too small by
about 1 / n. Programs that keep them agree with it on large sets.

On the features of Inception V3 they are FID and KID. On any other network's they are the same
distances with other numbers, and are not called so. A covariance of d features needs more than d
samples; with fewer there is no Fréchet distance here, and the kernel distance is the one to take.

References:
    Heusel et al.: GANs Trained by a Two Time-Scale Update Rule, NIPS 2017, eq. 6,
    https://arxiv.org/abs/1706.08500
    Bińkowski et al.: Demystifying MMD GANs, ICLR 2018, sections 2.1 and 4,
    https://arxiv.org/abs/1801.01401
    Gretton et al.: A Kernel Two-Sample Test, JMLR 13, 2012, lemma 6 (the estimate),
    https://jmlr.org/papers/v13/gretton12a.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difficmh_core.quality.metric import Group, Metric, unknown_name
from difficmh_core.quality.patch_features import FeatureNetwork

Samples = NDArray[np.float64]
"""One row for each patch."""
_N_SUBSETS = 100
_SUBSET_SIZE = 1000
"""Of KID, as its authors' program draws them."""
_FEWEST_SAMPLES = 40
"""Below, half of the samples are too few for a subset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMetric(Metric):
    """A distance of the decoded pictures of a data set from their originals, taken as sets.

    Attributes:
        network: Whose features.
        is_kernel: Whether it is the kernel distance, else Fréchet's.
    """

    group: Group = Group.SETS
    is_higher_better: bool = False
    network: FeatureNetwork
    is_kernel: bool = False


_KERNEL: dict[str, Any] = {"is_kernel": True, "lowest": -inf, "digits": 5}
_LITE0, _INCEPTION = FeatureNetwork.LITE0, FeatureNetwork.INCEPTION
SET_METRICS: Mapping[str, SetMetric] = MappingProxyType(
    {
        metric.key: metric
        for metric in (
            SetMetric(key="frechet", name="Fréchet distance, EfficientNet-Lite0", network=_LITE0),
            SetMetric(
                key="kernel", name="kernel distance, EfficientNet-Lite0", network=_LITE0, **_KERNEL
            ),
            SetMetric(key="fid", name="FID, 256 px patches", network=_INCEPTION),
            SetMetric(key="kid", name="KID, 256 px patches", network=_INCEPTION, **_KERNEL),
        )
    }
)
"""Every distance of sets, by its key; lower is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDistance:
    """One distance, or why there is none.

    Attributes:
        value: The distance; ``None`` if there are too few samples.
        deviation: Standard deviation of the kernel distance over its random subsets; this is not
            an interval over pictures.
        n: Samples in each set.
        note: Why there is no value.
    """

    value: float | None = None
    deviation: float | None = None
    n: int = 0
    note: str | None = None


def set_metric_of(key: str) -> SetMetric:
    """Look a distance of sets up.

    Raises:
        ConfigError: If there is no such distance.
    """
    if key not in SET_METRICS:
        raise unknown_name("distance of sets", key, SET_METRICS)
    return SET_METRICS[key]


def set_distance(metric: SetMetric, originals: Samples, decoded: Samples) -> SetDistance:
    """Return one distance, or say why it is not defined for so few samples.

    Args:
        metric: Which.
        originals: Features of the originals' patches.
        decoded: Features of the decoded pictures' patches, as many.
    """
    n, n_features = originals.shape
    fewest = _FEWEST_SAMPLES if metric.is_kernel else n_features + 1
    if n < fewest:
        note = f"{n:,} patches; {metric.name} needs at least {fewest:,}"
        return SetDistance(n=n, note=note)
    if metric.is_kernel:
        value, deviation = kernel_distance(originals, decoded)
        return SetDistance(value=value, deviation=deviation, n=n)
    return SetDistance(value=frechet_distance(originals, decoded), n=n)


def frechet_distance(first: Samples, second: Samples) -> float:
    """Return the Fréchet distance of two sets, 0 and up, in the square of the features' unit.

    The trace of the root of C_a C_b is that of the root of the symmetric R C_b R, R the root of
    C_a, whose eigenvalues are real; those below zero by rounding count as zero.

    Args:
        first: One row for each sample, more rows than columns.
        second: The same for the other set.
    """
    means = [features.mean(axis=0) for features in (first, second)]
    covariance_a, covariance_b = (np.cov(features, rowvar=False) for features in (first, second))
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.linalg.eigvalsh(root @ covariance_b @ root)
    distance = (
        np.square(means[0] - means[1]).sum()
        + np.trace(covariance_a)
        + np.trace(covariance_b)
        - 2 * np.sqrt(shared.clip(min=0)).sum()
    )
    return max(0.0, float(distance))


def kernel_distance(
    first: Samples, second: Samples, *, n_subsets: int = _N_SUBSETS, seed: int = 0
) -> tuple[float, float]:
    """Return mean and standard deviation of the kernel distance over random subsets.

    Subsets hold 1,000 samples of each set, the same of both, drawn without replacement, or half
    of the samples where there are fewer than 2,000, since subsets that are the whole set would
    not differ.

    Args:
        first: One row for each sample.
        second: The same for the other set, as many, each in the place of its partner.
        n_subsets: How many.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    size = min(_SUBSET_SIZE, len(first) // 2)
    found = list[float]()
    for _ in range(n_subsets):
        drawn = random.choice(len(first), size, replace=False)
        found.append(squared_mmd(first[drawn], second[drawn]))
    return float(np.mean(found)), float(np.std(found, ddof=1))


def squared_mmd(first: Samples, second: Samples) -> float:
    """Return the squared maximum mean discrepancy of two sets, without bias.

    Args:
        first: One row for each sample, at least two.
        second: The same for the other set, as many, each in the place of its partner.
    """
    n = len(first)
    between = _powers(first, second)
    terms = _powers(first, first) + _powers(second, second) - between - between.T
    return float((terms.sum() - np.trace(terms)) / (n * (n - 1)))


def _powers(first: Samples, second: Samples) -> Samples:
    scaled: Samples = first @ second.T / first.shape[1] + 1
    return scaled**3
