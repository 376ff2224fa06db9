"""Latent optimization: a better picture in as many bytes, in files that any decoder reads."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difficmh_core import latent_optimization
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.coding import MAX_ITERATIONS, OptimizationSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import ConfigError, ImageError
from difficmh_core.evaluation.codecs import OptimizedSearch, OurCodec
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.latent_optimization import (
    LatentOptimizer,
    levels_near,
)
from difficmh_core.models.load import load_codec
from difficmh_core.quality.dists import structure_texture_distance
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import DISTS_WEIGHTS, LPIPS_ALEX, LPIPS_VGG

EXAMPLE = Path(__file__).parents[2] / "examples" / "astronaut.png"
AS_STORED = replace(preset_of("nano"), realism=0.0)


@pytest.fixture(scope="module", autouse=True)
def _need_networks():
    for card in (LPIPS_ALEX, LPIPS_VGG, DISTS_WEIGHTS):
        if not is_cached(card, cache_folder()):
            pytest.skip(f"{card.file} is absent: python -m difficmh_core fetch")


@pytest.fixture(scope="module")
def face() -> Image.Image:
    return read_image(EXAMPLE).crop((160, 0, 352, 192))


@pytest.fixture(scope="module")
def tiny_optimizer(tiny_codec) -> LatentOptimizer:
    return LatentOptimizer(tiny_codec, OptimizationSettings(iterations=2))


def distances(image: Image.Image, decoded: Image.Image) -> dict[str, float]:
    folder = cache_folder()
    made = {
        "lpips": perceptual_distance("alex", folder),
        "dists": structure_texture_distance(folder),
        "not optimized": perceptual_distance("vgg", folder),
    }
    pair = to_tensor(image), to_tensor(decoded)
    return {name: distance(*pair).item() for name, distance in made.items()}


def test_an_optimized_file_of_the_same_size_holds_a_better_picture(nano, face):
    plain = nano.encode(face, quality=60, tags=None)
    optimizer = LatentOptimizer(nano, OptimizationSettings(iterations=4))
    *before, last = optimizer.steps(face, target_bytes=len(plain.data), tags=None)

    assert [step.index for step in (*before, last)] == [1, 2, 3, 4]
    assert {step.total for step in (*before, last)} == {4}
    assert all(step.encoded is None for step in before)
    optimized = last.encoded
    assert len(optimized.data) <= len(plain.data)
    nano.verify(optimized.data)
    before, after = (
        distances(face, nano.decode_image(e.data, AS_STORED)) for e in (plain, optimized)
    )
    assert after["lpips"] < 0.9 * before["lpips"]
    assert after["dists"] < 0.9 * before["dists"]
    assert after["not optimized"] < before["not optimized"]


def test_the_same_picture_gives_the_same_file(tiny_optimizer, picture):
    first, second = (tiny_optimizer.encode(picture, quality=40, tags=["tabby"]) for _ in range(2))
    assert first.data == second.data
    assert [tag.name for tag in first.tags] == ["tabby"]
    assert first.data != tiny_optimizer.codec.encode(picture, quality=40, tags=["tabby"]).data


def test_what_fits_without_optimization_fits_with_it(nano, face):
    smallest = nano.encode(face, quality=0, tags=None)
    optimizer = LatentOptimizer(nano, OptimizationSettings(iterations=1))
    for n_bytes in (len(smallest.data), len(smallest.data) + 2):
        optimized = optimizer.encode(face, target_bytes=n_bytes, tags=None)
        assert len(optimized.data) <= n_bytes
    with pytest.raises(ConfigError, match=f"has {len(smallest.data)}"):
        optimizer.encode(face, target_bytes=len(smallest.data) - 1, tags=None)


def test_levels_near_one_stay_within_those_there_are():
    assert levels_near(94, None) == range(62, 102)
    assert levels_near(3, None) == range(11)
    assert levels_near(250, None) == range(218, 256)
    assert levels_near(4, 4) == range(4, 5)


def test_optimization_runs_where_gradients_are_off(tiny_optimizer, picture):
    with torch.inference_mode():
        inside = tiny_optimizer.encode(picture, quality=40, tags=None)
    assert inside.data == tiny_optimizer.encode(picture, quality=40, tags=None).data


def test_tiles_cover_each_pixel_once():
    for height, width in ((64, 64), (512, 576), (1088, 64)):
        count = np.zeros((height, width), int)
        for tile in latent_optimization._tiles(height, width):
            count[tile] += 1
            assert max(count[tile].shape) <= 512
        assert (count == 1).all()


def test_the_gradient_of_tiles_is_that_of_their_mean_loss(tiny_optimizer, generator, monkeypatch):
    monkeypatch.setattr(latent_optimization, "_TILE_PX", 64)
    image, decoded = torch.rand(2, 1, 3, 64, 128, generator=generator)
    tiles = latent_optimization._tiles(64, 128)
    originals = [tiny_optimizer._original(image[..., *t], t, 64 * 128) for t in tiles]
    gradient = tiny_optimizer._picture_gradient(originals, decoded)

    settings, folder = tiny_optimizer.settings, cache_folder()
    shown = decoded.clone().requires_grad_()
    halves = [[x[..., part] for x in (image, shown)] for part in (slice(64), slice(64, None))]
    lpips, dists = perceptual_distance("alex", folder), structure_texture_distance(folder)
    loss = sum(
        settings.lpips * lpips(*half).sum()
        + settings.dists * dists(*half).sum()
        + settings.l1 * (half[0] - half[1]).abs().mean()
        for half in halves
    )
    (expected,) = torch.autograd.grad(loss / 2, shown)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-8)


def test_padding_is_no_part_of_the_picture(tiny_optimizer, generator):
    padded, decoded = torch.rand(2, 1, 3, 128, 192, generator=generator)
    tiles = latent_optimization._tiles(100, 150)
    originals = [tiny_optimizer._original(padded[..., *t], t, 100 * 150) for t in tiles]
    gradient = tiny_optimizer._picture_gradient(originals, decoded)
    assert sum(one.share for one in originals) == 1
    assert gradient[..., :100, :150].ne(0).all()
    gradient[..., :100, :150] = 0
    assert gradient.eq(0).all()


def test_optimization_holds_no_mode_of_gradients_between_iterations(tiny_optimizer, picture):
    with torch.inference_mode():
        next(steps := tiny_optimizer.steps(picture, quality=40, tags=None))
        assert torch.is_inference_mode_enabled()
    next(steps)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_a_picture_can_have_its_own_number_of_iterations(tiny_optimizer, picture):
    steps = list(tiny_optimizer.steps(picture, quality=40, tags=None, iterations=3))
    assert [(step.index, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert tiny_optimizer.settings.iterations == 2
    with pytest.raises(ConfigError, match="1 to 100 iterations, got 0"):
        next(tiny_optimizer.steps(picture, quality=40, tags=None, iterations=0))


def test_a_wrong_tag_is_refused_before_the_first_iteration(tiny_optimizer, picture):
    with pytest.raises(ConfigError, match="unicorn"):
        next(tiny_optimizer.steps(picture, quality=40, tags=["unicorn"]))


def test_an_evaluation_optimizes_once_for_all_ways_of_decoding(tiny_optimizer, picture):
    files = OptimizedSearch(tiny_optimizer, tiny_optimizer.codec.rate_search())
    content, quick = (
        OurCodec(tiny_optimizer.codec, label, AS_STORED, files) for label in ("content", "instant")
    )
    assert content.key == "tiny-content-refined"
    assert quick.name == "Diff-ICMH tiny, instant, optimized"
    assert quick.version.endswith(", 2 passes")
    n_bytes = 500
    coded = content.code(picture, n_bytes)
    assert coded is quick.code(picture, n_bytes)
    assert coded.data == tiny_optimizer.encode(picture, target_bytes=n_bytes).data
    assert coded.fits == (len(coded.data) <= n_bytes)
    assert content.decode(coded.data).size == picture.size
    assert not content.code(picture, 1).fits  # the smallest there is, marked so


def test_versions_tell_decoders_and_their_settings_apart():
    def version(codec, settings=AS_STORED):
        return OurCodec(codec, "content", settings).version

    own = load_codec("tiny")  # it will be changed
    plain, fingerprint = version(own), own.fingerprint
    assert plain.startswith(f"{fingerprint.hex()}, decoder ")
    assert version(own) == plain
    assert version(own, replace(AS_STORED, steps=3)) != plain
    with torch.no_grad():
        own.networks.autoencoder.model.decoder.conv_in.bias += 1
    assert own.fingerprint == fingerprint
    assert version(own) != plain


@pytest.mark.parametrize(
    "wrong",
    [
        {"iterations": 0},
        {"iterations": MAX_ITERATIONS + 1},
        {"step": 0.0},
        {"step": float("nan")},
        {"lpips": -1.0},
        {"dists": float("inf")},
    ],
)
def test_settings_that_cannot_run_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        OptimizationSettings(**wrong)


def test_networks_that_never_saw_pictures_are_refused(tiny_codec):
    other = copy.copy(tiny_codec)
    other.config = replace(tiny_codec.config, rate_weights=None)
    with pytest.raises(ConfigError, match="no latent optimization"):
        LatentOptimizer(other)


def test_a_picture_that_takes_too_much_memory_is_refused(tiny_optimizer):
    with pytest.raises(ImageError, match="1501 x 1000"):
        tiny_optimizer.encode(Image.new("RGB", (1501, 1000)), quality=50, tags=None)


def test_the_command_line_optimizes(run, photo, tmp_path, load_once):
    words = ["encode", photo, tmp_path / "a.dicmh", "--profile", "tiny", "--tags", "none"]
    code, told, progress = run(*words, "--iterations", 1, "--quality", 30)
    assert code == 0, progress
    assert "encoded in" in told
    load_once("tiny").verify((tmp_path / "a.dicmh").read_bytes())
    code, _, error = run(*words, "--passes", -1)  # the old name
    assert (code, "1 to 100 iterations, got -1" in error) == (1, True)


def test_compare_takes_optimized_files(run, photo):
    words = ["compare", photo, "--bytes", 1500, "--codecs"]
    words += ["tiny-content-optimized", "tiny-content-refined", "tiny-content"]
    code, told, error = run(*words, "--passes", 1, "--metrics", "psnr_db", "--tasks", "none")
    assert code == 0, error
    assert "Diff-ICMH tiny, content, optimized" in told
