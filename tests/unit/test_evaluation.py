"""Comparisons: every codec a row, failures too; a run over a folder goes on where it stopped."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core.baselines.pillow_codecs import avif, jpeg, webp
from difficmh_core.baselines.vvc import FfmpegVvenc
from difficmh_core.config import DecodeSettings
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.comparison import Row, compare
from difficmh_core.evaluation.contenders import OtherCodec, OurCodec
from difficmh_core.evaluation.dataset import Evaluation
from difficmh_core.evaluation.deltas import bd_quality, bd_rate, precision_deltas
from difficmh_core.evaluation.judge import Judge
from difficmh_core.evaluation.report import contact_sheet, table
from difficmh_core.evaluation.statistics import bootstrap, summarize
from difficmh_core.tagging.vocabulary import coco_names
from difficmh_core.vision.coco_map import CocoAnnotations, MeanPrecision
from difficmh_core.weights.cache import default_cache_dir, is_cached
from difficmh_core.weights.cards import YOLOX_NANO

EXAMPLE = Path(__file__).parents[2] / "examples" / "cat.png"
QUICK = DecodeSettings(steps=1, guidance_scale=1.0)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """One that has no weights at hand."""
    return Judge(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def contenders(tiny_codec):
    return [OtherCodec(make()) for make in (jpeg, webp, avif)] + [
        OurCodec(tiny_codec, "one step", QUICK)
    ]


def test_every_codec_gets_the_same_bytes(picture, contenders, judge):
    outcomes = list(compare("a", picture, [900, 2500], contenders, judge))
    assert [(o.row.target_bytes, o.row.codec) for o in outcomes] == [
        (target, contender.key) for target in (900, 2500) for contender in contenders
    ]
    for outcome in outcomes:
        row = outcome.row
        assert row.error is None
        assert row.fits == (row.n_bytes <= row.target_bytes)
        assert row.bpp == pytest.approx(8 * row.n_bytes / (picture.width * picture.height))
        assert outcome.picture.size == picture.size
        assert np.isfinite(row.values["psnr_db"])
    assert all(o.row.fits for o in outcomes if o.row.codec == "avif")
    # Weights that are not there are named, with the command that gets them.
    assert "difficmh_core fetch" in judge.absent["lpips_alex"]
    assert {"detection", "classification", "dists"} <= set(judge.absent)
    told = table([outcome.row for outcome in outcomes[:4]])
    assert len(told.splitlines()) >= 5
    sheet = contact_sheet(picture, outcomes, side_px=60)
    assert sheet.width > 5 * 60


@pytest.mark.parametrize("size", [(3, 3), (16384, 2)])
def test_what_a_codec_cannot_take_is_a_row_that_says_so(size, contenders, judge):
    picture = Image.new("RGB", size, (50, 60, 70))
    usual = [contender for contender in contenders if size == (3, 3) or contender.key == "webp"]
    outcomes = list(compare("odd", picture, [400], usual, judge))
    assert len(outcomes) == len(usual)
    for outcome in outcomes:
        assert (outcome.picture is None) == (outcome.row.error is not None)
    if size != (3, 3):
        assert "at most 16383 px" in outcomes[0].row.error
        assert "at most 16383 px" in table([outcomes[0].row])
    assert contact_sheet(picture, outcomes, side_px=30).height


# An ffmpeg with VVenC that answers questions, and cannot encode.
POOR_ENCODER = """#!{python}
import sys, time
if "-codecs" in sys.argv:
    print(" DEV.L. vvc  H.266 (encoders: libvvenc )")
elif "-version" in sys.argv:
    print("ffmpeg version 7")
else:
    {instead}
"""


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ("time.sleep(60)", "did not end within 1 s and was stopped"),
        ("sys.exit('no room for the picture')", "exit code 1: no room for the picture"),
        ("pass", "ended without an error, but wrote nothing"),
    ],
)
def test_an_encoder_that_fails_is_a_row_and_the_others_go_on(
    instead, message, picture, judge, tmp_path
):
    program = tmp_path / "ffmpeg"
    program.write_text(POOR_ENCODER.format(python=sys.executable, instead=instead))
    program.chmod(0o755)
    vvc = FfmpegVvenc(program, limit_s=1.0)
    contenders = [OtherCodec(vvc), OtherCodec(jpeg())]
    outcomes = list(compare("a", picture, [900, 2500], contenders, judge))
    failed, good = outcomes[::2], outcomes[1::2]
    assert all(message in o.row.error and o.picture is None for o in failed)
    assert all(o.row.error is None and o.row.n_bytes > 0 for o in good)
    told = table([o.row for o in outcomes])
    assert message in told
    assert "JPEG" in told


@pytest.fixture
def folder(tmp_path, picture):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(3):
        picture.rotate(90 * index, expand=True).save(pictures / f"{index}.png")
    (pictures / "broken.jpg").write_bytes(b"no picture")
    return pictures


def _is(summary, codec, target):
    return summary["codec"] == codec and summary["target_bpp"] == target


def test_a_folder_is_measured_kept_and_summed_up(folder, tmp_path, contenders, judge):
    others = contenders[:3]
    evaluation = Evaluation(folder=folder, rates_bpp=(1.0, 2.0, 4.0), out=tmp_path / "out")
    run = evaluation.run(others, judge)
    first = [next(run) for _ in range(5)]
    run.close()
    path = tmp_path / "out" / "rows-0.jsonl"
    with path.open("a") as file:
        file.write('{"picture": "half a li')  # as an interruption leaves it
    rest = list(evaluation.run(others, judge))
    assert len(first) + len(rest) == 3 * 3 * 3 + 1
    assert list(evaluation.run(others, judge)) == []
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
    assert f"{saved['value']:+.1f} % [{saved['low']:+.1f}, {saved['high']:+.1f}]" in page
    assert "| broken.jpg | - | " in page
    with Image.open(tmp_path / "out" / "psnr_db.png") as plot:
        assert plot.width > 600
    assert "<svg" in (tmp_path / "out" / "psnr_db.svg").read_text()

    other = Evaluation(folder=folder, rates_bpp=(1.0,), out=tmp_path / "out")
    with pytest.raises(ConfigError, match="holds rows at 2 bpp"):
        other.finish()


def test_annotated_pictures_get_a_mean_average_precision(tmp_path, contenders):
    if not is_cached(YOLOX_NANO, default_cache_dir()):
        pytest.skip("the detector is not in the cache; run `python -m difficmh_core fetch`")
    judge = Judge(default_cache_dir(), ["psnr_db"], ["detection"])
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Image.open(EXAMPLE) as photo:
        photo.convert("RGB").save(pictures / "photo.png")
        seen = judge.look_at(photo.convert("RGB")).answers["detection"]
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
    evaluation = Evaluation(folder=pictures, rates_bpp=(0.15, 2.0), out=tmp_path / "out")
    list(evaluation.run(contenders[:1], judge, annotations=annotations))
    assert list(evaluation.run(contenders[:1], judge, annotations=annotations)) == []
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


def test_precision_has_deltas_with_intervals_over_the_same_draws():
    def points(codec, bpps, heights, n_draws=50):
        random = np.random.default_rng(4)  # the same for both codecs, as the pictures are
        shifts = random.normal(0, 0.01, n_draws)
        return {
            (codec, bpp): (
                bpp,
                MeanPrecision(
                    value=height,
                    low=0.0,
                    high=1.0,
                    n=60,
                    draws=tuple(height + shift for shift in shifts),
                ),
            )
            for bpp, height in zip(bpps, heights, strict=True)
        }

    rates = (0.03, 0.06, 0.12)
    precisions = points("vvc", rates, (0.1, 0.2, 0.3)) | points("nano", rates, (0.14, 0.24, 0.34))
    (delta,) = precision_deltas(precisions, "vvc")
    assert (delta["codec"], delta["measure"], delta["n"]) == ("nano", "coco_map", 60)
    # What both codecs share in every draw cancels.
    ends = [delta["bd_quality"][name] for name in ("value", "low", "high")]
    assert ends == pytest.approx([0.04] * 3, abs=1e-4)
    assert delta["bd_rate_percent"]["value"] < 0
    falling = precisions | points("bad", rates, (0.3, 0.2, 0.1))
    assert precision_deltas(falling, "vvc")[0]["bd_quality"] == dict.fromkeys(
        ("value", "low", "high")
    )


def test_processes_share_the_pictures(folder, tmp_path, contenders, judge):
    evaluation = Evaluation(folder=folder, rates_bpp=(2.0,), out=tmp_path / "out")
    for process in range(2):
        list(evaluation.run(contenders[:1], judge, process=process, n_processes=2))
    assert sorted(line["picture"] for line in evaluation.lines()) == [
        "0.png",
        "1.png",
        "2.png",
        "broken.jpg",
    ]


def test_an_empty_folder_is_refused(tmp_path, contenders, judge):
    for folder, words in ((tmp_path, "holds no picture"), (tmp_path / "no", "There is no folder")):
        evaluation = Evaluation(folder=folder, rates_bpp=(1.0,), out=tmp_path / "out")
        with pytest.raises(ConfigError, match=words):
            list(evaluation.run(contenders, judge))


def test_deltas_have_known_values():
    anchor = [(rate, 30 + 5 * np.log2(rate)) for rate in (0.25, 0.5, 1.0, 2.0)]
    saves_a_fifth = [(0.8 * rate, quality) for rate, quality in anchor]
    assert bd_rate(anchor, saves_a_fifth) == pytest.approx(-20, abs=1e-6)
    better = [(rate, quality + 0.7) for rate, quality in anchor]
    assert bd_quality(anchor, better) == pytest.approx(0.7, abs=1e-6)
    falling = [(rate, -quality) for rate, quality in anchor]
    assert bd_rate(falling, [(0.8 * r, q) for r, q in falling], higher_is_better=False) == (
        pytest.approx(-20, abs=1e-6)
    )


def test_deltas_agree_with_an_integral_of_ones_own():
    anchor = [(0.2, 27.0), (0.5, 30.5), (1.1, 33.0), (2.0, 35.2)]
    other = [(0.22, 27.9), (0.45, 30.9), (1.0, 33.6), (1.9, 35.9)]
    fits = [
        np.polynomial.Polynomial.fit([q for _, q in curve], [np.log10(r) for r, _ in curve], 3)
        for curve in (anchor, other)
    ]
    low, high = 27.9, 35.2
    areas = [fit.integ()(high) - fit.integ()(low) for fit in fits]
    expected = 100 * (10 ** ((areas[1] - areas[0]) / (high - low)) - 1)
    assert bd_rate(anchor, other) == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize(
    "curve",
    [
        [(1.0, 1.0), (2.0, 2.0)],
        [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0)],
        [(1.0, 1.0), (1.0, 1.0), (3.0, 2.0)],
        [(1.0, 50.0), (2.0, 60.0), (3.0, 70.0)],
    ],
)
def test_deltas_that_are_not_defined_are_none(curve):
    anchor = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    assert bd_rate(anchor, curve) is None
    assert bd_quality(curve, anchor) is None


def test_the_bootstrap_covers_the_mean():
    values = list(np.random.default_rng(1).normal(5, 1, 200))
    found = bootstrap(values, lambda drawn: float(np.mean(drawn)))
    assert found.low < found.value < found.high
    # The standard error of the mean is 1 / sqrt(200), the interval 3.9 of them wide.
    assert found.high - found.low == pytest.approx(3.92 * np.std(values) / 200**0.5, rel=0.15)


def test_f1_of_boxes_is_pooled_in_the_summary():
    def row(picture, matched, missed, hallucinated, error=None):
        counts = {
            "boxes_matched": matched,
            "boxes_missed": missed,
            "boxes_hallucinated": hallucinated,
            "box_f1": 0.5,
        }
        return Row(
            picture=picture,
            codec="x",
            name="X",
            version="1",
            target_bytes=10,
            target_bpp=0.061,
            bpp=0.05,
            fits=True,
            values={} if error else counts,
            error=error,
        )

    (summary,) = summarize(
        [row("a", 3, 0, 0), row("b", 0, 1, 1), row("c", 0, 0, 0, "failed")], [0.03, 0.06]
    )
    assert (summary.target_bpp, summary.n, summary.n_failed) == (0.06, 2, 1)
    assert summary.values["box_f1"].value == pytest.approx(0.75)


def test_the_command_line_compares(run, photo, tmp_path, picture):
    words = ["compare", photo, "--bytes", 1500, "--codecs", "jpeg,tiny-content"]
    words += ["--cache-dir", tmp_path, "--sheet", tmp_path / "sheet.png"]
    code, out, _ = run(*words)
    assert code == 0
    assert "JPEG (libjpeg-turbo, progressive)" in out
    assert "Diff-ICMH tiny, content" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 3 * picture.width
    code, out, _ = run(*words, "--json")
    told = json.loads(out)
    assert [row["codec"] for row in told["rows"]] == ["jpeg", "tiny-content"]
    assert told["rows"][0]["n_bytes"] <= 1500


def test_the_command_line_evaluates(run, folder, tmp_path):
    words = ["evaluate", folder, "--out", tmp_path / "out", "--codecs", "jpeg,webp"]
    code, out, _ = run(*words, "--rates", 2, 4, "--cache-dir", tmp_path)
    assert code == 0
    assert "3 pictures" in out
    assert (tmp_path / "out" / "summary.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "--bytes", "0"), "at least 1 byte"),
        (("compare", "--codecs", "bpg"), "no codec 'bpg'"),
        (("compare", "--codecs", "tiny-slow"), "no preset 'slow'"),
        (("compare", "--sheet", "sheet.jpg"), "written as PNG"),
    ],
)
def test_wrong_wishes_are_refused(run, photo, tmp_path, words, message):
    command, *options = words
    code, _, said = run(command, photo, *options, "--cache-dir", tmp_path)
    assert code == 1
    assert message in said
