"""Stored crops of latents and content latents, and the stages that learn from them."""

import json
import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from difficmh_core.config.profiles import TINY
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.training.contents import SteeredSampler, crop
from difficmh_core.training.latents import read_latents
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.loading import read_safetensors
from tests.training_set import brief


@pytest.fixture(scope="module")
def recipe(training_photos, check_pictures, tmp_path_factory) -> Recipe:
    """A recipe with what the stages need that learn from stored crops."""
    torch.manual_seed(0)
    runs = tmp_path_factory.mktemp("runs")
    made = Recipe(photos=training_photos, check=check_pictures, runs=runs, config=TINY)
    list(made.train(StageName.AUTOENCODER, brief(StageName.AUTOENCODER)))
    list(made.encode_latents())
    list(made.train(StageName.CODEC, brief(StageName.CODEC)))
    assert [line["crops"] for line in made.encode_contents()] == [6, 12]
    return made


def test_stored_crops_are_what_encoder_and_codec_make_of_them(recipe):
    tensors, metadata = read_safetensors(recipe.contents_folder / "01-000000.safetensors")
    assert json.loads(metadata["tags"]) == read_latents(recipe.latents_path)[1]
    quality = torch.from_numpy(np.random.default_rng((1, 0)).random(6) ** 1.6).float()
    crops = np.stack([crop(recipe.photographs, index, 1) for index in range(6)])
    image = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    latent = recipe.autoencoder(scaled=True).encode(image)
    content = recipe.latent_codec()(image, latent, quality).content_latent
    for made, kept in ((latent, tensors["latent"]), (content, tensors["content"])):
        # The stored ones were computed in bfloat16, where the machine has it.
        assert torch.corrcoef(torch.stack([made.flatten(), kept.flatten().float()]))[0, 1] > 0.99


def test_what_is_drawn_belongs_together_mirrored_or_not(recipe):
    folder = recipe.contents_folder
    sampler = SteeredSampler(recipe.photographs, folder, crop_px=128, with_images=True)
    files = [read_safetensors(path)[0] for path in sorted(folder.iterdir())]
    ways = set()
    for seed in range(4):
        batch = sampler.draw(1, np.random.default_rng(seed))
        found = [
            (number, index, top, left, way)
            for number, index in product(range(2), range(6))
            for top, left, way in product(range(17), range(17), (1, -1))
            if torch.equal(window(files[number]["latent"][index], top, left, way), batch.latent[0])
        ]
        ((number, index, top, left, way),) = found
        ways.add(way)
        content = window(files[number]["content"][index], top, left, way)
        assert torch.equal(content, batch.content[0])
        pixels = crop(recipe.photographs, index, number)[8 * top :, 8 * left :][:128, :128]
        image = torch.from_numpy(pixels[:, ::way].copy()).permute(2, 0, 1).float() / 255
        assert torch.equal(image, batch.image[0])
    assert ways == {1, -1}


def window(values, top, left, way):
    values = values[:, top : top + 16, left : left + 16].float()
    return values.flip(-1) if way < 0 else values


def test_tags_are_hidden_as_often_as_asked(recipe):
    folder = recipe.contents_folder
    known = read_latents(recipe.latents_path)[1]
    for share in (0.0, 1.0):
        sampler = SteeredSampler(recipe.photographs, folder, crop_px=64, tag_dropout=share)
        batch = sampler.draw(8, np.random.default_rng(0))
        assert all(ids in ([[]] if share else known) for ids in batch.tag_ids)


def test_crops_of_other_photographs_are_refused(recipe, tmp_path):
    photographs = recipe.photographs
    with pytest.raises(CheckpointError, match="not hold one crop of each of 6 photographs"):
        SteeredSampler(photographs, tmp_path, crop_px=64)
    with pytest.raises(ConfigError, match="at most 256"):
        SteeredSampler(photographs, recipe.contents_folder, crop_px=320)
    turned = replace(photographs, images=photographs.images[::-1])
    with pytest.raises(CheckpointError, match="made of other photographs"):
        SteeredSampler(turned, recipe.contents_folder, crop_px=64)
    (tmp_path / "00-000000.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="00-000000"):
        SteeredSampler(photographs, tmp_path, crop_px=64)


def test_crops_of_other_networks_are_refused_and_made_anew(
    recipe, training_photos, check_pictures, tmp_path
):
    for name in ("contents", StageName.AUTOENCODER, StageName.CODEC):
        shutil.copytree(recipe.runs / name, tmp_path / name)
    shutil.copy(recipe.latents_path, tmp_path)
    own = Recipe(photos=training_photos, check=check_pictures, runs=tmp_path, config=TINY)
    list(own.train(StageName.CODEC, replace(brief(StageName.CODEC), steps=6)))
    path = tmp_path / "contents" / "01-000000.safetensors"
    shutil.copy(path, path.with_name("07-000000.safetensors"))  # of a run of more crops
    path.write_bytes(b"damaged")
    before = read_safetensors(recipe.contents_folder / path.name)[0]["content"]
    list(own.encode_contents())
    assert not torch.equal(read_safetensors(path)[0]["content"], before)
    SteeredSampler(own.photographs, tmp_path / "contents", crop_px=64)
    shutil.copy(recipe.contents_folder / path.name, path)
    with pytest.raises(CheckpointError, match="made of other networks"):
        SteeredSampler(own.photographs, tmp_path / "contents", crop_px=64)


def test_a_number_whose_files_are_missing_is_left_out(recipe, tmp_path):
    shutil.copy(recipe.contents_folder / "01-000000.safetensors", tmp_path)
    sampler = SteeredSampler(recipe.photographs, tmp_path, crop_px=256, with_images=True)
    batch = sampler.draw(2, np.random.default_rng(0))
    crops = np.stack([crop(recipe.photographs, index, 1) for index in range(6)])
    known = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    for image in batch.image:
        assert any(torch.equal(image, k) or torch.equal(image.flip(-1), k) for k in known)


def test_crops_that_are_there_are_not_made_again(recipe):
    files = sorted(recipe.contents_folder.iterdir())
    assert [path.name for path in files] == ["00-000000.safetensors", "01-000000.safetensors"]
    times = [path.stat().st_mtime_ns for path in files]
    files[1].unlink()
    assert [line["crops"] for line in recipe.encode_contents()] == [6, 12]
    assert files[0].stat().st_mtime_ns == times[0]
    assert files[1].exists()


def test_unet_and_control_learn_together_and_further(
    recipe, training_photos, check_pictures, tmp_path
):
    for name in (StageName.AUTOENCODER, StageName.CODEC):
        shutil.copytree(recipe.runs / name, tmp_path / name)
    shutil.copytree(recipe.contents_folder, tmp_path / "contents")
    shutil.copy(recipe.latents_path, tmp_path)
    own = Recipe(photos=training_photos, check=check_pictures, runs=tmp_path, config=TINY)
    lines = list(own.train(StageName.PRIOR, brief(StageName.PRIOR, "controlled=0.5")))
    assert all(line["alone"] > 0 and line["controlled"] > 0 for line in lines[:4])
    assert lines[-1]["controlled_check_mean"] > 0
    control = own.control(before=StageName.JOINT).state_dict()
    assert any(values.abs().max() > 0 for name, values in control.items() if "to_decoder" in name)
    unet = own.prior()[0].state_dict()
    changes = ("trains_unet=true", "clean=0.5", "content=0.5", "picture.color=1.0")
    lines = list(own.train(StageName.FEW_STEP, brief(StageName.FEW_STEP, *changes)))
    assert all(line["color"] > 0 for line in lines[:4])
    further = own.prior()[0].state_dict()
    assert any(not torch.equal(unet[name], further[name]) for name in unet)
    before = own.prior(before=StageName.FEW_STEP)[0].state_dict()
    assert all(torch.equal(unet[name], before[name]) for name in unet)
