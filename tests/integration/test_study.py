"""The command ``study``: one photo in several ways, as rows and pictures."""

import csv
import json
import math

import numpy as np
import pytest
from PIL import Image

from difficmh_core.config.experiments import ExperimentRequest
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import BackendUnavailableError
from difficmh_core.evaluation.experiments import plan, uncertainty
from difficmh_core.evaluation.photo_study import run_variant

QUICK = ("--profile", "tiny", "--preset", "instant", "--metrics", "psnr_db", "--tasks", "none")
TAGS = ("--tags", "tabby,tiger cat")


@pytest.mark.parametrize(
    ("words", "keys", "changed"),
    [
        (
            ("--guidances", 3, 1, 1, "--step-counts", 2),
            ["g1-s2", "g3-s2"],
            "guidance_scale",
        ),
        (("--experiment", "tags"), ["on", "off"], "n_tags"),
        (("--experiment", "seeds", "--seeds", 2), ["seed1", "seed2"], "seed"),
        (("--experiment", "sweep", "--qualities", 90, 10), ["q10", "q90"], "quality"),
    ],
)
def test_every_experiment_gives_rows_and_pictures(run, photo, tmp_path, words, keys, changed):
    out = tmp_path / "new" / "study"
    code, said, error = run("study", photo, *QUICK, *TAGS, *words, "--out", out, "--json")
    assert code == 0, error
    rows = json.loads(said)["rows"]
    experiment = rows[0]["experiment"]
    pictures = [Image.open(out / f"{experiment}-{key}.png") for key in keys]
    assert {picture.size for picture in pictures} == {(100, 75)}
    assert len(rows) == len(keys)
    assert len({row[changed] for row in rows}) == len(keys)
    with (out / f"{experiment}.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [float(row["psnr_db"]) for row in read] == [row["psnr_db"] for row in rows]
    assert json.loads((out / f"{experiment}.json").read_text())["rows"] == rows
    original = np.asarray(Image.open(photo), dtype=float)
    error = np.mean((np.asarray(pictures[0]) - original) ** 2)
    assert rows[0]["psnr_db"] == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)
    if experiment == "seeds":
        mean, spread, _ = uncertainty(pictures)
        assert np.array_equal(Image.open(out / "seeds-mean.png"), mean)
        assert np.array_equal(Image.open(out / "seeds-deviation.png"), spread)


def test_the_picture_is_that_of_encode_and_decode(run, photo, tmp_path):
    """Quality, tags and settings mean what they mean to those commands."""
    code, said, error = run(
        *("study", photo, *QUICK, *TAGS, "--experiment", "tags", "--quality", 70),
        *("--seed", 5, "--start", 0.5, "--out", tmp_path, "--json"),
    )
    assert code == 0, error
    file, decoded = tmp_path / "a.dicmh", tmp_path / "a.png"
    run("encode", photo, file, "--profile", "tiny", *TAGS, "--quality", 70)
    run("decode", file, decoded, "--preset", "instant", "--seed", 5, "--start", 0.5)
    assert np.array_equal(Image.open(decoded), Image.open(tmp_path / "tags-on.png"))
    row, _ = json.loads(said)["rows"]
    assert row["n_bytes"] == file.stat().st_size
    assert row["steps"] == preset_of("tiny", "instant").steps


def test_a_table_for_people_holds_a_line_for_each_picture(run, photo):
    words = ("--experiment", "seeds", "--seeds", 2, "--bytes", 2500)
    code, said, error = run("study", photo, *QUICK, *TAGS, *words)
    assert code == 0, error
    heads, *lines = said.split("\n\n")[0].splitlines()
    assert "PSNR ↑" in heads
    assert [line.split("  ")[0] for line in lines] == ["Seed 1", "Seed 2"]
    assert int(lines[0].split()[2]) <= 2500
    assert "Standard deviation over the seeds" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", 3), "--seeds belongs to --experiment seeds, not grid"),
        (("--experiment", "seeds", "--seeds", 1), "at least 2 are needed, got 1"),
        (("--experiment", "seeds", "--guidances", 1), "belongs to --experiment grid"),
        (("--experiment", "sweep", "--qualities", 500), "quality must lie in 0 to 100"),
        (("--guidances", 99), "guidance_scale must lie in 1.0 to 30.0, got 99.0"),
        (("--quality", 101), "quality must lie in 0 to 100"),
        (("--bytes", 5), "No quality fits into 5 bytes"),
        (("--preset", "slow"), "no preset 'slow'"),
        (("--metrics", "psnr_bd"), "near are psnr_db"),
        (("--tags", "unicorn"), "unicorn"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(run, photo, words, message):
    code, said, error = run("study", photo, *QUICK, *TAGS, *words)
    assert (code, said) == (1, "")
    assert message in error


def test_a_decoder_that_gives_no_picture_is_refused_in_words(tiny_codec, picture):
    encoded = tiny_codec.encode(picture, tags=())
    same, *_ = plan(
        ExperimentRequest(experiment="tags"), encoded, preset_of("tiny"), has_rates=True
    )
    with pytest.raises(BackendUnavailableError, match="before its last step"):
        list(run_variant(same, lambda _: encoded.stream, lambda *_: iter(()), lambda _: {}))


def test_a_folder_that_is_a_file_is_refused(run, photo):
    code, _, error = run("study", photo, *QUICK, *TAGS, "--out", photo)
    assert code == 1
    assert "File exists" in error
