"""What an evaluation takes for its pictures, and where it never writes."""

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.dataset import Evaluation
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.inputs import find_pictures
from difficmh_core.evaluation.picture_sets import PictureSets
from difficmh_core.quality.patch_features import PatchFeatures


@pytest.fixture
def plain_features(monkeypatch):
    """Instead of a network: mean colors of a patch."""
    made = PatchFeatures(n_features=3, compute=lambda patches: patches.mean(dim=(2, 3)))
    monkeypatch.setattr("difficmh_core.evaluation.picture_sets.load_features", lambda *_: made)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two pictures, in which commands run."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "deep/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), (90, 120, 30)).save(tmp_path / name)
    return tmp_path


def found(results, *words):
    return [source.name for source in find_pictures([str(word) for word in words], results)]


def pack(archive, *names):
    """Write an archive that holds one picture under several names."""
    picture = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture, "png")
    with tarfile.open(archive, "w") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(picture.getvalue())
            file.addfile(member, io.BytesIO(picture.getvalue()))


def test_names_in_an_archive_lead_nowhere(tmp_path, plain_features):
    hostile = [f"{tmp_path}/abs.png", "../../../../../dotdot.png", "x/../../up.png"]
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    pack(work / "in.tar", *hostile, "plain.png")
    before, out = set(tmp_path.rglob("*")), work / "out"
    sets, evaluator = PictureSets(out, tmp_path), Evaluator(tmp_path, ["psnr_db"], [])
    evaluation = Evaluation(inputs=(str(work / "in.tar"),), rates_bpp=(1.0,), out=out)
    lines = list(evaluation.run([PILLOW_CODECS["jpeg"]()], evaluator, sets=sets))
    assert {line["picture"]: line.get("error") for line in lines} == {
        **dict.fromkeys(hostile, "Its name leads out of the output's folder."),
        "plain.png": None,
    }
    written = set(tmp_path.rglob("*")) - before
    assert any(path.name == "plain.png.npy" for path in written)
    assert all(path.is_relative_to(out) for path in written)
    assert list(evaluation.run([PILLOW_CODECS["jpeg"]()], evaluator, sets=sets)) == []
    summary = evaluation.finish(sets=sets)
    assert summary["n_pictures"] == 1
    assert set(summary["broken_pictures"]) == set(hostile)


def test_a_name_that_is_no_utf8_is_kept(tmp_path):
    pack(tmp_path / "in.tar", "caf\udce9.png")
    out, evaluator = tmp_path / "out", Evaluator(tmp_path, ["psnr_db"], [])
    evaluation = Evaluation(inputs=(str(tmp_path / "in.tar"),), rates_bpp=(1.0,), out=out)
    for n_lines in (1, 0):
        assert len(list(evaluation.run([PILLOW_CODECS["jpeg"]()], evaluator))) == n_lines
    assert evaluation.finish()["n_pictures"] == 1
    assert "caf\\udce9.png" in (out / "rows.csv").read_text()


def test_a_picture_that_could_not_be_read_is_tried_again(here):
    evaluation = Evaluation(inputs=("deep", "a.png"), rates_bpp=(1.0,), out=here / "out")
    codecs, evaluator = [PILLOW_CODECS["jpeg"]()], Evaluator(here, ["psnr_db"], [])
    picture = (here / "a.png").read_bytes()
    (here / "a.png").write_bytes(b"damaged")
    for n_lines in (2, 0):
        assert len(list(evaluation.run(codecs, evaluator))) == n_lines
        assert list(evaluation.finish()["broken_pictures"]) == ["a.png"]
    (here / "a.png").write_bytes(picture)
    (line,) = evaluation.run(codecs, evaluator)
    assert (line["picture"], line["error"]) == ("a.png", None)
    assert list(evaluation.run(codecs, evaluator)) == []
    summary = evaluation.finish()
    assert (summary["broken_pictures"], summary["n_pictures"]) == ({}, 2)


def test_rows_of_another_picture_of_the_name_are_not_taken_for_it(here):
    codecs, evaluator = [PILLOW_CODECS["jpeg"]()], Evaluator(here, ["psnr_db"], [])
    first, other = (
        Evaluation(inputs=(word,), rates_bpp=(1.0,), out=here / "out")
        for word in ("a.png", "other")
    )
    (here / "other").mkdir()
    Image.new("RGB", (64, 80)).save(here / "other" / "a.png")
    assert len(list(first.run(codecs, evaluator))) == 1
    with pytest.raises(ConfigError, match=r"holds rows of another 'a\.png'"):
        next(other.run(codecs, evaluator))
    assert list(first.run(codecs, evaluator)) == []


def test_what_opens_an_address_stays_out_of_the_summary(here):
    evaluation = Evaluation(inputs=("a.png",), rates_bpp=(1.0,), out=here / "out")
    list(evaluation.run([PILLOW_CODECS["jpeg"]()], Evaluator(here, ["psnr_db"], [])))
    for word in ("https://host/photos?sig=secret", "sftp://ann:secret@host"):
        assert "secret" not in replace(evaluation, inputs=(word,)).finish()["folder"]


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_that_leaves_photos_out_by_mistake_is_refused(here, run, limit):
    code, _, err = run("evaluate", here, "--limit", limit)
    assert code == 2
    assert f"argument --limit: must be a whole number from 1 up, got '{limit}'." in err


def test_plots_of_an_earlier_run_are_no_photos(here, run):
    words = ["evaluate", ".", "--codecs", "jpeg", "--metrics", "psnr_db", "--tasks", "none"]
    words += ["--set-metrics", "none", "--rates", 1, "--cache-dir", here / "cache"]
    for told in ("", "left out because they lie in the folder of the results, 'results': 1."):
        code, out, err = run(*words)
        assert code == 0
        assert "results: 2 photos, rows.csv" in out
        assert told in err
    assert list((here / "results").glob("*.png"))


def test_only_what_lies_among_the_results_is_left_out(here):
    results = here / "deep"
    assert found(results, here) == ["a.png"]
    assert found(results, here / "**" / "*.png") == ["a.png"]
    assert found(results, here / "deep" / "b.png") == ["b.png"]
    assert found(here, here / "deep") == ["b.png"]
    (here / "link").symlink_to(results)
    assert found(results, here) == ["a.png"]
    with pytest.raises(ConfigError, match="All photos lie in the folder of the results"):
        found(here, here)
