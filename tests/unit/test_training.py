"""Every stage of the recipe runs small, leaves a checkpoint, and goes on from it."""

import csv
import io
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difficmh_core.config import CodecConfig
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.profiles import load_codec
from difficmh_core.training.data import CropSampler, load_photographs
from difficmh_core.training.latents import LatentSampler
from difficmh_core.training.loop import read_average, train
from difficmh_core.training.package import package_weights
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName, StageSettings, default_settings

STAGES = (
    StageName.AUTOENCODER,
    StageName.DECODER,
    StageName.PRIOR,
    StageName.CODEC,
    StageName.CONTROL,
)


def picture(random: np.random.Generator, height: int, width: int) -> Image.Image:
    coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Six synthetic photographs in one shard: five of one source, one of another."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    with (
        tarfile.open(folder / "train-00.tar", "w") as archive,
        (folder / "manifest.csv").open("w", newline="") as manifest,
    ):
        rows = csv.writer(manifest)
        rows.writerow(["file", "source"])
        for index in range(6):
            buffer = io.BytesIO()
            picture(random, 260 + 8 * index, 280).save(buffer, "PNG")
            member = tarfile.TarInfo(f"{index}.png")
            member.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(member, buffer)
            rows.writerow([member.name, "one@1" if index else "two@2"])
    return folder


@pytest.fixture(scope="module")
def check(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    random = np.random.default_rng(1)
    for index in range(2):
        picture(random, 256, 256).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def recipe(photos, check, tmp_path_factory) -> Recipe:
    runs = tmp_path_factory.mktemp("runs")
    return Recipe(photos=photos, check=check, runs=runs, config=CodecConfig.tiny())


def brief(stage: StageName) -> StageSettings:
    return replace(default_settings(stage), minutes=0.01, batch_size=2, crop_px=64, log_every=1)


def test_every_stage_trains_and_goes_on(recipe):
    for stage in STAGES:
        if stage is StageName.DECODER:
            *_, last = recipe.encode_latents()
            assert last["scaling_factor"] > 0
        *_, checked = recipe.train(stage, brief(stage))
        assert any(name.startswith("check_") for name in checked)
        first = recipe.history(stage)[-1]["step"]
        *_, _checked = recipe.train(stage, replace(brief(stage), minutes=0.02))
        assert recipe.history(stage)[-1]["step"] > first >= 1


def test_packaged_weights_load_and_decode(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.profiles.NANO", recipe.config(scaled=True))
    measures = list(package_weights(recipe, tmp_path))
    assert [line["quality"] for line in measures] == [0, 50, 100]
    codec = load_codec("nano", weights_folder=tmp_path)
    image = picture(np.random.default_rng(2), 70, 90)
    encoded = codec.encode(image, tags=None)
    assert codec.decode_image(encoded.data).size == (90, 70)
    assert (tmp_path / "latent_codec.json").exists()


def test_a_source_contributes_at_most_its_share(photos):
    photographs = load_photographs(photos, max_share=0.6)
    share = Counter()
    for source, probability in zip(photographs.sources, photographs.probabilities, strict=True):
        share[source] += probability
    assert share == pytest.approx({"one": 0.6, "two": 0.4})


def test_crops_have_their_size_and_range(photos):
    crops, chosen = CropSampler(load_photographs(photos), crop_px=192, seed=0).draw(5)
    assert crops.shape == (5, 3, 192, 192)
    assert 0 <= crops.min() < crops.max() <= 1
    assert len(chosen) == 5


def test_a_latent_crop_belongs_to_its_picture_crop(recipe):
    sampler = LatentSampler(
        recipe.photographs, recipe.latents_path, crop_px=128, tag_dropout=1.0, seed=0
    )
    batch = sampler.draw(1)
    encoded = recipe.autoencoder(scaled=True).encode(batch.image)
    inner = (slice(None), slice(None), slice(6, 10), slice(6, 10))
    # Away from the borders, where the crop sees padding and the whole picture does not.
    difference = (encoded[inner] - batch.latent[inner]).square().mean().sqrt()
    assert difference < 0.5 * batch.latent[inner].std() + 0.05
    assert batch.tag_ids == [[]]


def test_missing_photographs_say_what_is_expected(tmp_path):
    with pytest.raises(ConfigError, match=r"train-\*\.tar"):
        load_photographs(tmp_path)


def test_a_stage_without_its_predecessor_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="Train that stage first"):
        read_average(tmp_path)


def test_a_checkpoint_of_another_architecture_is_refused(recipe):
    other = replace(recipe.config(scaled=True), profile="other")
    other = replace(other, control=replace(other.control, width=1.0))
    changed = Recipe(photos=recipe.photos, check=recipe.check, runs=recipe.runs, config=other)
    with pytest.raises(CheckpointError, match="another architecture"):
        list(changed.train(StageName.CONTROL, replace(brief(StageName.CONTROL), minutes=1)))


class LineStage:
    """Fit y = 3 x - 1, for which the answer is known."""

    def __init__(self) -> None:
        self.trained = torch.nn.Linear(1, 1)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        return [{"params": list(self.trained.parameters()), "lr": learning_rate}]

    def losses(self, step: int) -> dict[str, torch.Tensor]:
        x = torch.rand(64, 1) * 2 - 1
        return {"total": (self.trained(x).float() - (3 * x - 1)).square().mean()}

    def validate(self, average: torch.nn.Module) -> dict[str, float]:
        return {"check_slope": average.weight.item(), "check_offset": average.bias.item()}


def test_the_loop_finds_a_known_answer(tmp_path):
    settings = StageSettings(minutes=0.05, learning_rate=0.05, bfloat16=False, log_every=1000)
    *_, last = train(LineStage(), settings, tmp_path)
    assert last["check_slope"] == pytest.approx(3, abs=0.05)
    assert last["check_offset"] == pytest.approx(-1, abs=0.05)
