"""Distances of sets: known answers, oracles, patches, and too few samples."""

import urllib.error
import warnings
from math import nan

import numpy as np
import pytest
import torch
import torch.hub

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.quality.patch_features import FeatureNetwork, load_features, patches_of
from difficmh_core.quality.set_distances import (
    SET_METRICS,
    frechet_distance,
    kernel_distance,
    set_distance,
    set_metric_of,
    squared_mmd,
)
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import EFFICIENTNET_LITE0


@pytest.fixture
def random():
    return np.random.default_rng(12)


def with_moments(features, mean, root):
    """Return features shifted and mixed so that mean and covariance are exactly these."""
    centered = features - features.mean(axis=0)
    covariance = np.cov(centered, rowvar=False)
    whitened = centered @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    return whitened @ root.T + mean


@pytest.mark.parametrize(
    ("size", "n"),
    [
        ((512, 768), 8),  # 2 * 3 + 1 * 2
        ((256, 256), 1),
        ((255, 900), 0),
        ((384, 383), 1),  # the second grid needs 384 px on both sides
        ((384, 384), 2),
        ((700, 640), 8),  # 2 * 2 + 2 * 2: every whole patch of the second grid
    ],
)
def test_patches_of_two_grids(size, n):
    image = torch.arange(size[0] * size[1], dtype=torch.float32).view(1, 1, *size)
    image = image.expand(1, 3, -1, -1) / (size[0] * size[1])
    patches = patches_of(image)
    assert patches.shape == (n, 3, 256, 256)
    if size == (384, 384):
        assert torch.equal(patches[0], image[0, :, :256, :256])
        assert torch.equal(patches[1], image[0, :, 128:, 128:])


def test_the_frechet_distance_of_equal_sets_is_zero(random):
    features = random.normal(size=(300, 40)) * np.arange(40)
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-6)


def test_the_frechet_distance_of_known_gaussians(random):
    first, second = random.normal(size=(2, 500, 4))
    shift, scales_a, scales_b = np.array([3, 0, -4, 0]), np.diag([1, 2, 3, 4]), np.eye(4)
    first = with_moments(first, np.zeros(4), scales_a)
    second = with_moments(second, shift, scales_b)
    # |m|^2 + sum (s_a - s_b)^2 where the covariances commute
    assert frechet_distance(first, second) == pytest.approx(25 + 0 + 1 + 4 + 9, rel=1e-6)


def test_the_frechet_distance_agrees_with_a_matrix_root(random):
    linalg = pytest.importorskip("scipy.linalg")
    first = random.normal(size=(200, 24)) @ random.normal(size=(24, 24))
    second = random.normal(size=(150, 24)) @ random.normal(size=(24, 24)) + 0.5
    covariances = [np.cov(features, rowvar=False) for features in (first, second)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(sum(covariances))
    expected -= 2 * np.trace(root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-6)


def mean_kernel(xs, ys):
    """Mean of the kernel over pairs of different samples, one after the other."""
    values = [
        (float(x @ y) / len(x) + 1) ** 3
        for i, x in enumerate(xs)
        for j, y in enumerate(ys)
        if i != j
    ]
    return sum(values) / len(values)


def test_the_squared_mmd_agrees_with_sums_over_pairs(random):
    first, second = random.normal(size=(7, 3)), random.normal(size=(7, 3)) + 0.3
    expected = mean_kernel(first, first) + mean_kernel(second, second)
    expected -= 2 * mean_kernel(first, second)
    assert squared_mmd(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("is_paired", [False, True])
def test_the_kernel_distance_has_no_bias(random, is_paired):
    found = []
    for _ in range(400):
        first, second = random.normal(size=(2, 30, 8))
        found.append(squared_mmd(first, -first if is_paired else second))
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found)) < 3 * error
    assert min(found) < 0  # as an estimate without bias must sometimes be


def test_the_kernel_distance_of_equal_sets_is_zero(random):
    features = random.normal(size=(100, 20))
    assert kernel_distance(features, features) == pytest.approx((0, 0), abs=1e-12)


def test_the_kernel_distance_varies_over_subsets(random):
    first, second = random.normal(size=(200, 8)), random.normal(size=(200, 8)) + 0.5
    value, deviation = kernel_distance(first, second)
    assert value == pytest.approx(squared_mmd(first, second), abs=deviation)
    assert deviation > 0
    assert (value, deviation) == kernel_distance(first, second)
    assert (value, deviation) != kernel_distance(first, second, seed=1)


def test_both_agree_with_pyiqa(random):
    theirs = pytest.importorskip("pyiqa.archs.fid_arch")
    first, second = random.normal(size=(90, 16)), random.normal(size=(90, 16)) * 1.2 + 0.2
    moments = (m for f in (first, second) for m in (f.mean(0), np.cov(f, rowvar=False)))
    assert frechet_distance(first, second) == pytest.approx(
        theirs.frechet_distance(*moments), rel=1e-6
    )
    # Theirs counts the pairs of equal places between the sets too, as for independent sets.
    cubes = (first @ second.T / 16 + 1) ** 3
    expected = theirs.mmd_polynomial_kernel(first, second, num_subsets=1)
    expected += 2 * cubes.mean() - 2 * mean_kernel(first, second)
    assert squared_mmd(first, second) == pytest.approx(expected, rel=1e-9)


def test_too_few_samples_are_no_silent_number(random):
    few = random.normal(size=(50, 50))
    found = set_distance(SET_METRICS["frechet"], few, few)
    assert found.value is None
    assert found.n == 50
    assert "50 patches" in found.note
    assert "needs at least 51" in found.note
    kernel = set_distance(SET_METRICS["kernel"], few, few)
    assert (kernel.value, kernel.deviation) == pytest.approx((0, 0), abs=1e-12)
    assert set_distance(SET_METRICS["kid"], few[:39], few[:39]).value is None
    enough = random.normal(size=(51, 50))
    assert set_distance(SET_METRICS["fid"], enough, enough).value == pytest.approx(0, abs=1e-6)


def test_only_inceptions_distances_are_called_fid_and_kid():
    for metric in SET_METRICS.values():
        named_so = "FID" in metric.name or "KID" in metric.name
        assert named_so == (metric.network is FeatureNetwork.INCEPTION)
        assert named_so or "EfficientNet-Lite0" in metric.name
    with pytest.raises(ConfigError, match=r"'fidd'; near are fid"):
        set_metric_of("fidd")


def test_features_of_the_classifier_here(generator, tmp_path):
    with pytest.raises(BackendUnavailableError, match="difficmh_core fetch"):
        load_features(FeatureNetwork.LITE0, tmp_path)
    if not is_cached(EFFICIENTNET_LITE0, cache_folder()):
        pytest.skip("the classifier is not in the cache; run `python -m difficmh_core fetch`")
    compute = load_features(FeatureNetwork.LITE0, cache_folder())
    image = torch.rand(1, 3, 384, 384, generator=generator)
    features = compute(image)
    assert features.shape == (2, compute.n_features)
    assert features.isfinite().all()
    shifted = compute(image[:, :, 128:, 128:])
    assert torch.allclose(features[1:], shifted, atol=1e-4)
    assert compute(image[:, :, :200]).shape == (0, compute.n_features)


def test_inceptions_weights_are_read_as_tensors_from_pyiqas_place(
    tmp_path, monkeypatch, generator
):
    inception = pytest.importorskip("pyiqa.archs.inception")
    downloads = pytest.importorskip("pyiqa.utils.download_util")
    monkeypatch.setattr(downloads, "DEFAULT_CACHE_DIR", str(tmp_path))

    def no_network(url, dst, *args, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    place = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    with pytest.raises(BackendUnavailableError, match=rf"FID and KID.*Put https://\S+ at {place}"):
        load_features(FeatureNetwork.INCEPTION, tmp_path)
    assert list(tmp_path.iterdir()) == []

    kept = {}

    def random_weights(network, url):
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.05, generator=generator)
        kept.update({key: value.half() for key, value in network.state_dict().items()})

    with monkeypatch.context() as once, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's, about pyiqa's use of it
        once.setattr(inception, "load_pretrained_network", random_weights)
        inception.fid_inception_v3()
    kept = {k: v.long() if k.endswith("num_batches_tracked") else v for k, v in kept.items()}
    torch.save(kept, place)
    compute = load_features(FeatureNetwork.INCEPTION, tmp_path)
    features = compute(torch.rand(1, 3, 256, 256, generator=generator))
    assert features.shape == (1, 2048)
    assert features.std() not in (0.0, nan)
