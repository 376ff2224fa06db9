"""Every stage of the recipe runs small, leaves a checkpoint, and goes on from it."""

import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from difficmh_core.config.networks import ElicConfig
from difficmh_core.config.profiles import TINY
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.models.load import load_codec
from difficmh_core.training import package
from difficmh_core.training.average import average_weights
from difficmh_core.training.checkpoints import CHECKPOINT_NAME, read_average
from difficmh_core.training.data import Crops, CropSampler, load_photographs
from difficmh_core.training.discriminator import ProjectedDiscriminator
from difficmh_core.training.latents import LatentSampler
from difficmh_core.training.loop import train
from difficmh_core.training.overrides import change_settings
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName, StageSettings
from difficmh_core.training.stage import Progress
from difficmh_core.weights.loading import read_safetensors
from difficmh_core.weights.network_card import read_network_card
from tests import needs
from tests.training_set import (
    WITH_DISCRIMINATOR,
    brief,
    picture,
)
from tests.two_processes import LineSampler, LineStage

TINY_ELIC = ElicConfig(channels=8, latent_channels=16, groups=(4, 4, 8), n_rate_points=2)


@pytest.fixture(scope="module")
def recipe(training_photos, check_pictures, tmp_path_factory) -> Recipe:
    """A recipe of which every stage ran."""
    torch.manual_seed(0)
    runs = tmp_path_factory.mktemp("runs")
    made = Recipe(
        photos=training_photos, check=check_pictures, runs=runs, config=TINY, elic=TINY_ELIC
    )
    for stage in needs.STAGES:
        if stage is StageName.DECODER:
            *_, last = made.encode_latents()
            assert last["scaling_factor"] > 0
        if stage is StageName.FEW_STEP:
            list(made.encode_contents())
        list(made.train(stage, brief(stage)))
    return made


@pytest.mark.parametrize("stage", needs.EACH_STAGE)
def test_every_stage_trains_and_goes_on(recipe, stage):
    before = recipe.history(stage)
    assert before[-1]["step"] == 4
    assert any(name.startswith("check_") for name in before[-1])
    assert all(math.isfinite(value) for line in before for value in line.values())
    list(recipe.train(stage, replace(brief(stage), steps=5)))
    after = recipe.history(stage)
    assert after[: len(before)] == before
    assert after[-1]["step"] == 5


@pytest.mark.parametrize("stage", WITH_DISCRIMINATOR)
def test_the_discriminator_is_trained_and_kept(recipe, stage):
    tensors, _ = read_safetensors(recipe.runs / stage / CHECKPOINT_NAME)
    kept = {name for name in tensors if name.startswith("adversary.")}
    discriminator = ProjectedDiscriminator(16 if stage is StageName.FEW_STEP else 0)
    assert kept == {f"adversary.{name}" for name in discriminator.state_dict()}
    assert tensors["optimizer.adversary.0.step"] >= 1
    assert tensors["optimizer.adversary.0.exp_avg"].abs().max() > 0


@pytest.mark.parametrize(
    ("stage", "following"), [(StageName.JOINT, StageName.FEW_STEP), (StageName.FEW_STEP, None)]
)
def test_the_frozen_parts_of_a_stage_stay_what_they_were(recipe, stage, following):
    before = recipe.autoencoder(scaled=False, before=stage).state_dict()
    after = recipe.autoencoder(scaled=False, before=following).state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    trained = ("model.decoder.", "model.post_quant_conv.")
    assert changed
    assert all(name.startswith(trained) for name in changed)


def test_packaged_weights_load_and_decode(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.models.nano.NANO", recipe.config(scaled=True))
    rows = list(package.package_weights(recipe, tmp_path))
    assert [line["quality"] for line in rows] == [0, 50, 100]
    codec = load_codec("nano", weights_folder=tmp_path)
    image = picture(np.random.default_rng(2), 70, 90)
    encoded = codec.encode(image, tags=None)
    assert codec.decode_image(encoded.data).size == (90, 70)
    assert (tmp_path / "latent_codec.json").exists()


@needs.compressai
def test_the_learned_codec_beside_ours_is_packaged_and_unpacked(recipe, tmp_path):
    rows = list(package.package_elic(recipe, tmp_path))
    assert [row["rate"] for row in rows] == [0.03, 0.06, 0.1, 0.2]
    assert all(row["psnr_db"] > 0 for row in rows)
    path = tmp_path / "elic.safetensors"
    card = read_network_card(path)
    last = recipe.history(StageName.ELIC)[-1]
    assert card.n_steps == {"elic": last["step"]}
    assert card.metrics["at_0.1_bpp"] == rows[2]["bpp"]
    list(package.unpack_elic(path, tmp_path / "runs"))
    tensors, _ = read_safetensors(path)
    unpacked = read_average(tmp_path / "runs" / StageName.ELIC)
    assert unpacked.keys() == tensors.keys()
    assert all(torch.equal(unpacked[key], tensors[key].float()) for key in tensors)


def test_a_source_contributes_at_most_its_share(training_photos):
    photographs = load_photographs(training_photos, max_share=0.6)
    share = Counter()
    for source, probability in zip(photographs.sources, photographs.probabilities, strict=True):
        share[source] += probability
    assert share == pytest.approx({"one": 0.6, "two": 0.4})


def test_crops_have_their_size_and_range(training_photos):
    sampler = CropSampler(load_photographs(training_photos), crop_px=192)
    crops = sampler.draw(5, np.random.default_rng(0)).image
    assert crops.shape == (5, 3, 192, 192)
    assert 0 <= crops.min() < crops.max() <= 1


def test_a_latent_crop_belongs_to_its_picture_crop(recipe):
    sampler = LatentSampler(recipe.photographs, recipe.latents_path, crop_px=128)
    batch = sampler.draw(1, np.random.default_rng(0))
    encoded = recipe.autoencoder(scaled=True).encode(batch.image)
    inner = (slice(None), slice(None), slice(6, -6), slice(6, -6))
    # Away from the borders, where the crop sees padding and the whole picture does not; and not
    # equal there either, since group normalization sees the whole picture.
    ours, kept = encoded[inner], batch.latent[inner]

    elsewhere = [similarity(ours.roll(1, axis), kept) for axis in (-1, -2)]
    assert similarity(ours, kept) > max(0.5, *elsewhere)


def similarity(first, second):
    centered = [value - value.mean((-1, -2), keepdim=True) for value in (first, second)]
    return torch.corrcoef(torch.stack([value.flatten() for value in centered]))[0, 1]


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
        list(changed.train(StageName.JOINT, replace(brief(StageName.JOINT), minutes=1)))


def test_the_loop_finds_a_known_answer(tmp_path):
    settings = StageSettings(
        minutes=10, steps=400, learning_rate=0.05, bfloat16=False, log_every=400
    )
    *_, last = train(LineStage(settings), LineSampler(-1, 1), settings, tmp_path)
    assert last["check_slope"] == pytest.approx(3, abs=0.05)
    assert last["check_offset"] == pytest.approx(-1, abs=0.05)


class NowAndThenNotANumber(LineStage):
    """Fits the line, but every third batch is not a number."""

    def forward(self, batch: Crops, progress: Progress) -> dict[str, torch.Tensor]:
        losses = super().forward(batch, progress)
        return {"total": losses["total"] * (math.nan if progress.step % 3 == 2 else 1.0)}


def test_steps_without_a_finite_gradient_are_left_out(tmp_path, caplog):
    settings = StageSettings(
        minutes=10, steps=600, learning_rate=0.05, bfloat16=False, log_every=300
    )
    stage = NowAndThenNotANumber(settings)
    *_, last = train(stage, LineSampler(-1, 1), settings, tmp_path)
    assert last["check_slope"] == pytest.approx(3, abs=0.1)
    assert caplog.messages.count("100 steps had no finite gradient and were left out.") == 2


def test_the_codec_learns_from_the_pictures_of_one_step(recipe):
    # All other weights are 0: what moves, moves by the pictures that the U-Net made.
    weights = ("rate=[1e-9,1e-9]", "distance=0", "diffusion=0", "semantic.weight=0")
    changes = [*weights, "predicted=1.0", "picture.adversarial=0", "on_device=true"]
    settings = change_settings(brief(StageName.JOINT), changes)
    stage = recipe._make(StageName.JOINT, settings)
    batch = recipe._sampler(StageName.JOINT, settings).draw(2, np.random.default_rng(0))
    torch.nn.init.normal_(stage.trained["control"].to_middle.weight)  # starts at zero
    losses = stage(batch, Progress(0, 0.0))
    assert {"diffusion", "semantic"}.isdisjoint(losses)  # left out, not only weighed with 0
    losses["total"].backward()
    for part in ("control.encoder.1", "latent_codec.synthesis", "autoencoder.model.decoder"):
        gradients = [value.grad for value in stage.trained.get_submodule(part).parameters()]
        assert any(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("stage", [StageName.AUTOENCODER, StageName.PRIOR])
def test_a_stage_trains_on_crops_drawn_on_the_device(recipe, stage, tmp_path):
    settings = replace(brief(stage), on_device=True, steps=2)
    made, sampler = recipe._make(stage, settings), recipe._sampler(stage, settings)
    *_, last = train(made, sampler, settings, tmp_path)
    assert last["step"] == 2


def test_two_processes_train_one_model(tmp_path):
    # What `accelerate launch` runs; it would ask for MPI to start two processes on a CPU.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", "-m", "tests.two_processes", str(tmp_path)]
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first == pytest.approx([3, -1], abs=0.05)
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    if sys.platform == "linux":  # a thread that outlives the group may abort the process
        for rank in (0, 1):
            assert "gloo" not in (tmp_path / f"{rank}.threads.json").read_text()


def with_runs(recipe, runs):
    """Return the recipe over other run folders, with the same latents."""
    other = Recipe(photos=recipe.photos, check=recipe.check, runs=runs, config=TINY)
    runs.mkdir(exist_ok=True)
    other.latents_path.write_bytes(recipe.latents_path.read_bytes())
    return other


def test_packaged_weights_become_run_folders(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.models.nano.NANO", recipe.config(scaled=True))
    list(package.package_weights(recipe, tmp_path / "nano"))
    sizes = list(package.unpack_weights(tmp_path / "nano", tmp_path / "runs"))
    assert [next(iter(line)) for line in sizes] == ["autoencoder", "prior", "codec", "joint"]
    again = with_runs(recipe, tmp_path / "runs")
    ours, theirs = again.latent_codec().state_dict(), recipe.latent_codec().state_dict()
    for name in theirs:
        if "_tables." not in name:  # built when packaging
            torch.testing.assert_close(ours[name], theirs[name], atol=2e-3, rtol=2e-3)
    *_, checked = again.train(StageName.JOINT, brief(StageName.JOINT))
    assert checked["check_50_bpp"] > 0
    list(package.package_weights(again, tmp_path / "next"))
    first, second = (
        read_network_card(tmp_path / name / "latent_codec.safetensors")
        for name in ("nano", "next")
    )
    assert second.n_steps == {
        "codec": first.n_steps["codec"],
        "joint": first.n_steps["joint"] + checked["step"],
    }
    assert second.training_seconds > first.training_seconds
    with pytest.raises(CheckpointError, match="exists already"):
        list(package.unpack_weights(tmp_path / "nano", tmp_path / "runs"))


def test_branches_are_averaged(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.models.nano.NANO", recipe.config(scaled=True))
    list(package.package_weights(recipe, packaged := tmp_path / "nano"))
    list(package.unpack_weights(packaged, tmp_path / "branch"))
    before = read_average(tmp_path / "branch" / StageName.JOINT)
    branch = with_runs(recipe, tmp_path / "branch")
    large = ("learning_rate=0.01", "warmup_steps=0")  # so that no tolerance hides the change
    *_, checked = branch.train(StageName.JOINT, brief(StageName.JOINT, *large))
    after = read_average(tmp_path / "branch" / StageName.JOINT)
    average = with_runs(recipe, tmp_path / "average")
    list(average_weights(average, packaged, {tmp_path / "branch": 0.25}, (-0.1, 1.2)))
    made = read_average(tmp_path / "average" / StageName.JOINT)
    moved = [name for name in made if "_gains." in name]
    for name in made:
        if made[name].is_floating_point() and name not in moved:
            torch.testing.assert_close(made[name], 0.75 * before[name] + 0.25 * after[name])
    assert max((after[name] - before[name]).abs().max() for name in made) > 1e-3
    gains = 0.75 * before[moved[0]] + 0.25 * after[moved[0]]
    first = gains[0] - 0.1 * (len(gains) - 1) * (gains[1] - gains[0])
    torch.testing.assert_close(made[moved[0]][0], first)

    list(package.package_weights(average, tmp_path / "next"))
    first, second = (
        read_network_card(tmp_path / name / "control.safetensors") for name in ("nano", "next")
    )
    assert second.n_steps["joint"] == first.n_steps["joint"] + checked["step"]
    with pytest.raises(ConfigError, match="Name run folders"):
        list(average_weights(average, packaged, {}))
    with pytest.raises(ConfigError, match="must be below"):
        list(average_weights(average, packaged, {tmp_path / "branch": 1.0}, (1.0, 0.0)))
