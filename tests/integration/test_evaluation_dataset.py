"""A run over a folder: kept line by line, goes on where it stopped, summed up."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.errors import ConfigError, ProgramError
from difficmh_core.evaluation.dataset import Evaluation
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.picture_sets import PictureSets
from difficmh_core.quality.patch_features import PatchFeatures
from difficmh_core.quality.set_distances import frechet_distance, kernel_distance
from difficmh_core.tagging.vocabulary import coco_names
from difficmh_core.vision.coco_map import CocoAnnotations
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import YOLOX_NANO

EXAMPLE = Path(__file__).parents[2] / "examples" / "cat.png"


def _is(summary, codec, target):
    return summary["codec"] == codec and summary["target_bpp"] == target


def test_a_folder_is_measured_kept_and_summed_up(folder, tmp_path, codecs, evaluator):
    others = codecs[:3]
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(1.0, 2.0, 4.0), out=tmp_path / "out")
    run = evaluation.run(others, evaluator)
    first = [next(run) for _ in range(5)]
    run.close()
    path = tmp_path / "out" / "rows-0.jsonl"
    with path.open("a") as file:
        file.write('{"picture": "half a li')  # as an interruption leaves it
    rest = list(evaluation.run(others, evaluator))
    assert len(first) + len(rest) == 3 * 3 * 3 + 1
    assert list(evaluation.run(others, evaluator)) == []
    assert len(path.read_text().splitlines()) == 28

    summary = evaluation.finish("jpeg")
    assert list(summary["broken_pictures"]) == ["broken.jpg"]
    assert summary["n_pictures"] == 3
    assert len(summary["summaries"]) == 9
    assert all(made["n"] == 3 for made in summary["summaries"])
    better = {d["codec"]: d for d in summary["deltas"] if d["measure"] == "psnr_db"}
    saved, gained = better["avif"]["bd_rate_percent"], better["avif"]["bd_quality"]
    assert saved["low"] <= saved["value"] <= saved["high"] < 0
    assert 0 < gained["low"] <= gained["value"] <= gained["high"]
    assert better["avif"]["n"] == 3
    with (tmp_path / "out" / "rows.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 27
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["rates_bpp"] == [1, 2, 4]
    page = (tmp_path / "out" / "summary.md").read_text()
    (psnr,) = (s["values"]["psnr_db"] for s in summary["summaries"] if _is(s, "avif", 2.0))
    assert f"{psnr['value']:.3f} ± {(psnr['high'] - psnr['low']) / 2:.3f}" in page
    assert f"{saved['value']:+.1f}% [{saved['low']:+.1f}, {saved['high']:+.1f}]" in page
    assert "| broken.jpg | - | " in page
    with Image.open(tmp_path / "out" / "psnr_db.png") as plot:
        assert plot.width > 600
    assert "<svg" in (tmp_path / "out" / "psnr_db.svg").read_text()

    other = Evaluation(inputs=(str(folder),), rates_bpp=(1.0,), out=tmp_path / "out")
    with pytest.raises(ConfigError, match="holds rows at 2 bpp"):
        other.finish()


def test_annotated_pictures_get_a_mean_average_precision(tmp_path, codecs):
    if not is_cached(YOLOX_NANO, cache_folder()):
        pytest.skip("the detector is not in the cache; run `python -m difficmh_core fetch`")
    evaluator = Evaluator(cache_folder(), ["psnr_db"], ["detection"])
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Image.open(EXAMPLE) as photo:
        photo.convert("RGB").save(pictures / "photo.png")
        seen = evaluator.features(photo.convert("RGB")).answers["detection"]
    boxes = [
        {
            "id": index,
            "image_id": 7,
            "category_id": box.label_id,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
        }
        for index, box in enumerate(seen, start=1)
        for left, top, right, bottom in [box.box_xyxy_px]
    ]
    assert boxes, "the detector sees nothing in the example: choose another"
    content = {
        "images": [{"id": 7, "file_name": "photo.png"}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(coco_names())],
        "annotations": boxes,
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    annotations = CocoAnnotations(tmp_path / "instances.json")
    evaluation = Evaluation(inputs=(str(pictures),), rates_bpp=(0.15, 2.0), out=tmp_path / "out")
    list(evaluation.run(codecs[:1], evaluator, annotations=annotations))
    assert list(evaluation.run(codecs[:1], evaluator, annotations=annotations)) == []
    found = evaluation.finish(annotations=annotations)["coco_map"]
    assert [(line["codec"], line["rate_bpp"]) for line in found] == [
        ("original", None),
        ("jpeg", 0.15),
        ("jpeg", 2.0),
    ]
    original, coarse, fine = (line["value"] for line in found)
    page = (tmp_path / "out" / "summary.md").read_text()
    assert f"| - | the originals | {original:.3f} |" in page
    assert original > 0.9  # its own boxes are the truth
    assert coarse < fine


def test_processes_share_the_pictures(folder, tmp_path, codecs, evaluator):
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(2.0,), out=tmp_path / "out")
    for process in range(2):
        list(evaluation.run(codecs[:1], evaluator, process=process, n_processes=2))
    assert sorted(line["picture"] for line in evaluation.lines()) == [
        "0.png",
        "1.png",
        "2.png",
        "broken.jpg",
    ]


@pytest.mark.slow
def test_processes_that_accelerate_starts_share_the_pictures(folder, tmp_path):
    # What `accelerate launch` runs; it would ask for MPI to start two processes on a CPU.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", "-m", "difficmh_core", "evaluate", str(folder)]
    command += ["--codecs", "jpeg", "--rates", "2", "--metrics", "psnr_db", "--tasks", "none"]
    command += ["--set-metrics", "none", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("3 photos, rows.csv") == 1  # one process sums up
    kept = [path.read_text().splitlines() for path in (tmp_path / "out").glob("rows-*.jsonl")]
    assert [len(lines) for lines in kept] == [2, 2]


def test_an_empty_folder_is_refused(tmp_path, codecs, evaluator):
    for folder, words in ((tmp_path, "names no file"), (tmp_path / "no", "There is no file or")):
        evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(1.0,), out=tmp_path / "out")
        with pytest.raises(ConfigError, match=words):
            list(evaluation.run(codecs, evaluator))


def test_the_command_line_evaluates(run, folder, tmp_path):
    words = ["evaluate", folder, "--out", tmp_path / "out", "--codecs", "jpeg", "webp"]
    code, out, _ = run(*words, "--rates", 2, 4, "--cache-dir", tmp_path)
    assert code == 0
    assert "3 photos" in out
    assert "## Quality" in out
    assert "kernel is left out" not in out  # it is in a table
    assert "| kernel | " in out
    assert (tmp_path / "out" / "summary.json").exists()


def test_a_line_that_another_process_is_writing_is_left_alone(folder, tmp_path, codecs, evaluator):
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(2.0,), out=tmp_path / "out")
    list(evaluation.run(codecs[:1], evaluator, process=1, n_processes=2))
    other = tmp_path / "out" / "rows-1.jsonl"
    half = other.read_bytes()[:-20]
    other.write_bytes(half)
    list(evaluation.run(codecs[:1], evaluator, process=0, n_processes=2))
    assert other.read_bytes() == half
    list(evaluation.run(codecs[:1], evaluator, process=1, n_processes=2))
    assert len({line["picture"] for line in evaluation.lines()}) == 4
    assert evaluation.finish()["n_pictures"] == 3


def test_a_codec_that_failed_tries_again(folder, tmp_path, evaluator, monkeypatch):
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(2.0,), out=tmp_path / "out")
    codec = PILLOW_CODECS["jpeg"]()
    with monkeypatch.context() as patch:

        def fail(codec, image, n_bytes):
            raise ProgramError("The encoder was killed.")

        patch.setattr(type(codec), "code", fail)
        # As the process that is read last wrote it: the order must not bring failures back.
        list(evaluation.run([codec], evaluator, process=1, n_processes=2))
    assert [row["error"] for row in evaluation.finish()["failures"]] == ["The encoder was killed."]
    assert len(list(evaluation.run([codec], evaluator))) == 3
    summary = evaluation.finish()
    assert summary["failures"] == []
    assert summary["summaries"][0]["n"] == 3


def test_rows_of_another_version_of_a_codec_are_refused(folder, tmp_path, evaluator):
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(2.0,), out=tmp_path / "out")
    codec = PILLOW_CODECS["jpeg"]()
    list(evaluation.run([codec], evaluator, limit=2))
    codec = replace(codec, version="next")
    with pytest.raises(ConfigError, match=r"holds rows of jpeg .+, but here it is next"):
        list(evaluation.run([codec], evaluator))
    assert list(evaluation.run([PILLOW_CODECS["webp"]()], evaluator, limit=2)) != []


def test_rows_of_a_tiny_picture_keep_their_targets_and_measures_their_pictures(
    tmp_path, picture, codecs, evaluator
):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    picture.resize((3, 3)).save(pictures / "tiny.png")
    picture.resize((170, 170)).save(pictures / "usual.png")
    evaluation = Evaluation(
        inputs=(str(pictures),), rates_bpp=(0.5, 1.0, 2.0), out=tmp_path / "out"
    )
    list(evaluation.run(codecs[:2], evaluator))
    summary = evaluation.finish("jpeg")
    assert [(s["target_bpp"], s["n"]) for s in summary["summaries"] if s["codec"] == "jpeg"] == [
        (0.5, 2),
        (1.0, 2),
        (2.0, 2),
    ]
    values = summary["summaries"][0]["values"]
    assert (values["psnr_db"]["n"], values["ms_ssim"]["n"]) == (2, 1)
    page = (tmp_path / "out" / "summary.md").read_text()
    assert f"{values['ms_ssim']['value']:.3f}" in page
    assert " (1) |" in page
    assert {d["measure"]: d["n"] for d in summary["deltas"]} == {"psnr_db": 2, "ms_ssim": 1}


class Same:
    """Gives every picture back as it was."""

    key, name, version = "same", "Same", "1"

    def code(self, image, n_bytes):
        self.image = image
        coded = PILLOW_CODECS["jpeg"]().code(image, n_bytes)
        return type(coded)(data=coded.data, setting=0, fits=True, seconds=0.0)

    def decode(self, data):
        return self.image


def test_infinite_psnr_is_summed_up_in_valid_json(folder, tmp_path, codecs, evaluator):
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(1.0, 2.0, 4.0), out=tmp_path / "out")
    list(evaluation.run([codecs[0], Same()], evaluator))
    assert list(evaluation.run([codecs[0], Same()], evaluator)) == []
    evaluation.finish("jpeg", absent={"dists": "It is not there."})

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "out" / "summary.json").read_text()
    summary = json.loads(text, parse_constant=refuse)
    for line in (tmp_path / "out" / "rows-0.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    (psnr,) = (s["values"]["psnr_db"] for s in summary["summaries"] if _is(s, "same", 1.0))
    assert psnr == {"value": "inf", "low": "inf", "high": "inf", "n": 3}
    (delta,) = summary["deltas"]
    assert delta["bd_quality"] == {"value": None, "low": None, "high": None}
    assert summary["absent"] == {"dists": "It is not there."}
    page = (tmp_path / "out" / "summary.md").read_text()
    assert "| inf |" in page
    assert "| dists | It is not there. |" in page


@pytest.fixture
def large_folder(tmp_path):
    """Five pictures of eight patches each, and one that is too small for a patch."""
    pictures = tmp_path / "large" / "deeper"
    pictures.mkdir(parents=True)
    random = np.random.default_rng(3)
    for index in range(5):
        coarse = Image.fromarray(random.integers(0, 255, (30, 40, 3), dtype=np.uint8))
        coarse.resize((640, 512 + 128)).save(pictures / f"{index}.png")
    coarse.resize((40, 40)).save(pictures / "small.png")
    return tmp_path / "large"


@pytest.fixture
def plain_features(monkeypatch):
    """Instead of a network: mean colors of a patch."""
    made = PatchFeatures(n_features=3, compute=lambda patches: patches.mean(dim=(2, 3)))
    monkeypatch.setattr("difficmh_core.evaluation.picture_sets.load_features", lambda *_: made)


def test_distances_of_sets_are_kept_resumed_and_summed_up(large_folder, tmp_path, plain_features):
    evaluator, out = Evaluator(tmp_path, ["psnr_db"], []), tmp_path / "out"
    both = [PILLOW_CODECS["jpeg"](), PILLOW_CODECS["webp"]()]
    evaluation = Evaluation(inputs=(str(large_folder),), rates_bpp=(0.15, 0.3, 0.6), out=out)
    list(evaluation.run(both, evaluator, limit=1))  # as an earlier run without distances left it
    sets = PictureSets(out, tmp_path)
    for process in range(2):
        list(evaluation.run(both, evaluator, sets=sets, process=process, n_processes=2))
    n_lines = len(evaluation.lines())
    assert n_lines == 6 * 2 * 3
    kept = sorted(path.relative_to(out) for path in out.rglob("*.npy"))
    assert len(kept) == n_lines + 6
    lost = out / "features" / "lite0" / "jpeg" / "0.3" / "deeper" / "2.png.npy"
    before = lost.read_bytes()
    lost.unlink()
    assert list(evaluation.run(both, evaluator, sets=sets)) == []  # no row is kept twice
    assert lost.read_bytes() == before

    summary = evaluation.finish("jpeg", sets=sets)
    assert len(summary["set_distances"]) == 2 * 3 * 2
    arrays = [
        np.concatenate(
            [np.load(out / "features" / "lite0" / of / f"deeper/{i}.png.npy") for i in range(5)]
        ).astype(np.float64)
        for of in ("original", "webp/0.3")
    ]
    assert arrays[0].shape == (40, 3)
    frechet, kernel = (
        line
        for line in summary["set_distances"]
        if (line["codec"], line["rate_bpp"]) == ("webp", 0.3)
    )
    assert frechet["measure"] == "frechet"
    assert (frechet["n"], frechet["n_pictures"]) == (40, 5)
    assert frechet["value"] == pytest.approx(frechet_distance(*arrays), rel=1e-6)
    assert (kernel["value"], kernel["deviation"]) == pytest.approx(kernel_distance(*arrays))
    page = (out / "summary.md").read_text()
    assert "Fréchet distance, EfficientNet-Lite0 ↓" in page
    assert f"{kernel['value']:.5f} ± {kernel['deviation']:.5f}" in page
    assert "FID" not in page
    assert (out / "frechet.svg").exists()
    assert (out / "kernel.png").exists()
    assert {d["measure"] for d in summary["deltas"]} >= {"frechet", "kernel"}


def test_too_few_patches_are_said_and_absent_networks_named(
    folder, tmp_path, codecs, evaluator, plain_features
):
    out = tmp_path / "out"
    evaluation = Evaluation(inputs=(str(folder),), rates_bpp=(2.0,), out=out)
    sets = PictureSets(out, tmp_path)
    list(evaluation.run(codecs[:1], evaluator, sets=sets))
    summary = evaluation.finish(sets=sets)
    assert [line["value"] for line in summary["set_distances"]] == [None, None]
    assert "No number: no photo has a patch of 256 px." in (out / "summary.md").read_text()


def test_an_absent_network_leaves_its_distances_out(tmp_path):
    sets = PictureSets(tmp_path / "out", tmp_path, ["frechet", "kernel"])
    assert set(sets.absent) == {"frechet", "kernel"}
    assert "difficmh_core fetch" in sets.absent["kernel"]
    assert sets.distances([]) == []
    with pytest.raises(ConfigError, match="near are frechet"):
        PictureSets(tmp_path / "out", tmp_path, ["frechett"])
