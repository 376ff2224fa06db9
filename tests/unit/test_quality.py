"""Measures of quality: known answers, oracles, and what they refuse."""

import math
from pathlib import Path

import pytest
import torch

from difficmh_core.errors import BackendUnavailableError, ConfigError, ImageError
from difficmh_core.quality.distortion import ms_ssim, psnr_db
from difficmh_core.quality.dists import StructureTextureDistance, structure_texture_distance
from difficmh_core.quality.lpips import PerceptualDistance, perceptual_distance
from difficmh_core.quality.metric import Group
from difficmh_core.quality.metrics import PICTURE_METRICS, QualityMeter
from difficmh_core.quality.trunks import alexnet_trunk
from difficmh_core.weights.cards import DISTS_WEIGHTS, LPIPS_ALEX, LPIPS_VGG
from tests.cached_weights import folder_with


@pytest.fixture(scope="module")
def cache_dir() -> Path:
    return folder_with(LPIPS_ALEX, LPIPS_VGG, DISTS_WEIGHTS)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    reference = torch.rand(2, 3, 177, 200, generator=generator)
    noise = 0.1 * torch.randn(2, 3, 177, 200, generator=generator)
    return reference, (reference + noise).clamp(0, 1)


def test_psnr_of_a_known_error():
    reference = torch.full((2, 3, 8, 8), 0.5)
    decoded = torch.stack([reference[0] + 0.1, reference[1]])
    values = psnr_db(reference, decoded)
    assert values[0].item() == pytest.approx(20.0, abs=1e-4)
    assert values[1].item() == math.inf


def test_ms_ssim_of_equal_pictures_is_one(pair):
    reference, _ = pair
    assert ms_ssim(reference, reference).tolist() == pytest.approx([1.0, 1.0])


def test_ms_ssim_agrees_with_pytorch_msssim(pair):
    oracle = pytest.importorskip("pytorch_msssim")
    reference, decoded = pair
    for size in ((161, 161), (177, 200), (176, 162)):
        a, b = reference[:, :, : size[0], : size[1]], decoded[:, :, : size[0], : size[1]]
        expected = oracle.ms_ssim(a, b, data_range=1.0, size_average=False)
        assert ms_ssim(a, b).tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_small_picture_is_refused_by_ms_ssim():
    with pytest.raises(ImageError, match="at least 161 px"):
        ms_ssim(torch.rand(1, 3, 160, 300), torch.rand(1, 3, 160, 300))


def test_gradients_of_lpips_are_finite_where_features_vanish():
    distance = PerceptualDistance(alexnet_trunk())
    for head in distance.heads:
        head.fill_(1.0)
    decoded = torch.zeros(1, 3, 64, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = distance(torch.zeros(1, 3, 64, 64), decoded)
    value.sum().backward()
    assert value.dtype == torch.float32
    assert value.item() == 0.0
    assert decoded.grad is not None
    assert decoded.grad.isfinite().all()
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_dists_keeps_its_statistics_out_of_bfloat16(pair, cache_dir):
    distance = structure_texture_distance(cache_dir)
    # Small: a CPU without bfloat16 of its own takes a hundred times as long.
    reference, decoded = (image[:1, :, :64, :64].contiguous() for image in pair)
    decoded.requires_grad_()

    def value_and_gradient():
        value = distance(reference, decoded)
        return value, torch.autograd.grad(value.sum(), decoded)[0].flatten()

    value, gradient = value_and_gradient()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse, coarse_gradient = value_and_gradient()
    assert coarse.dtype == torch.float32
    torch.testing.assert_close(coarse, value, rtol=0, atol=2e-3)
    assert torch.cosine_similarity(gradient, coarse_gradient, dim=0) > 0.8


def test_missing_weights_name_the_command(tmp_path):
    with pytest.raises(BackendUnavailableError, match="python -m difficmh_core fetch"):
        perceptual_distance("alex", tmp_path)


def test_the_meter_refuses_what_it_cannot_measure(tmp_path):
    meter = QualityMeter(tmp_path)
    with pytest.raises(ConfigError, match=r"'vmaf'.*psnr_db"):
        meter.measure("vmaf", torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))
    with pytest.raises(ImageError, match="needs at least 31 px"):
        meter.measure("lpips_alex", torch.rand(1, 3, 30, 64), torch.rand(1, 3, 30, 64))
    with pytest.raises(BackendUnavailableError):
        meter.measure("dists", torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))


@pytest.mark.parametrize("metric", PICTURE_METRICS.values(), ids=lambda metric: metric.key)
def test_only_metrics_of_perception_need_weights(metric, tmp_path):
    side = max(metric.min_side_px, 16)
    picture = torch.rand(1, 3, side, side)
    meter = QualityMeter(tmp_path)
    if metric.group is Group.PERCEPTION:
        with pytest.raises(BackendUnavailableError):
            meter.measure(metric.key, picture, picture)
    else:
        best = metric.highest if metric.is_higher_better else metric.lowest
        assert meter.measure(metric.key, picture, picture).item() == pytest.approx(best)


@pytest.mark.weights
@pytest.mark.parametrize("metric", PICTURE_METRICS.values(), ids=lambda metric: metric.key)
def test_measures_run_at_their_smallest_size_and_worsen_with_noise(metric, cache_dir):
    side = metric.min_side_px
    generator = torch.Generator().manual_seed(3)
    reference = torch.rand(1, 3, side, side, generator=generator)
    noise = torch.randn(1, 3, side, side, generator=generator)
    meter = QualityMeter(cache_dir)
    near, far = (
        meter.measure(metric.key, reference, (reference + strength * noise).clamp(0, 1)).item()
        for strength in (0.02, 0.3)
    )
    assert (near > far) == metric.is_higher_better
    assert metric.lowest - 1e-6 <= min(near, far)
    assert max(near, far) <= metric.highest


@pytest.mark.weights
def test_heads_of_lpips_are_the_ones_of_the_published_package(cache_dir):
    import importlib.util

    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        pytest.skip("the package lpips is not installed")
    for net in ("alex", "vgg"):
        published = torch.load(
            Path(spec.origin).with_name("weights") / "v0.1" / f"{net}.pth",
            map_location="cpu",
            weights_only=True,
        )
        distance = perceptual_distance(net, cache_dir)
        for head, expected in zip(distance.heads, published.values(), strict=True):
            assert torch.equal(head.flatten(), expected.flatten())


def test_dists_of_equal_pictures_is_zero():
    from difficmh_core.quality.dists import L2Pooling
    from difficmh_core.quality.trunks import vgg16_trunk

    distance = StructureTextureDistance(vgg16_trunk(L2Pooling))
    distance.alpha.fill_(1.0)
    distance.beta.fill_(1.0)
    picture = torch.rand(1, 3, 40, 33)
    assert distance(picture, picture).item() == pytest.approx(0.0, abs=1e-6)
