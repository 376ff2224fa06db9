"""Comparisons of one picture: every codec a row, failures too."""

import argparse
import json
import re
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.baselines.vvc import FfmpegVvenc
from difficmh_core.cli.codec_options import add_codec_options
from difficmh_core.cli.codecs import chosen_codecs
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.comparison import COLOR_METRICS
from difficmh_core.evaluation.comparison import PhotoComparison
from difficmh_core.evaluation.lines import json_of
from difficmh_core.evaluation.report import contact_sheet, table
from difficmh_core.rate_control import CodedPicture


def test_every_codec_gets_the_same_bytes(picture, codecs, evaluator):
    results = list(PhotoComparison("a", picture, evaluator).results(codecs, [900, 2500]))
    assert [(o.row.target_bytes, o.row.codec) for o in results] == [
        (target, codec.key) for target in (900, 2500) for codec in codecs
    ]
    for result in results:
        row = result.row
        assert row.error is None
        assert row.fits == (row.n_bytes <= row.target_bytes)
        assert row.bpp == pytest.approx(8 * row.n_bytes / (picture.width * picture.height))
        assert result.picture.size == picture.size
        assert np.isfinite(row.values["psnr_db"])
    assert all(o.row.fits for o in results if o.row.codec == "avif")
    # Weights that are not there are named, with the command that gets them.
    assert "difficmh_core fetch" in evaluator.absent["lpips_alex"]
    assert {"detection", "classification", "dists"} <= set(evaluator.absent)
    told = table([result.row for result in results[:4]])
    assert len(told.splitlines()) >= 5
    sheet = contact_sheet(picture, results, side_px=60)
    assert sheet.width > 5 * 60


@pytest.mark.parametrize("size", [(3, 3), (16384, 2)])
def test_what_a_codec_cannot_take_is_a_row_that_says_so(size, codecs, evaluator):
    picture = Image.new("RGB", size, (50, 60, 70))
    usual = [codec for codec in codecs if size == (3, 3) or codec.key == "webp"]
    results = list(PhotoComparison("odd", picture, evaluator).results(usual, [400]))
    assert len(results) == len(usual)
    for result in results:
        assert (result.picture is None) == (result.row.error is not None)
    if size != (3, 3):
        assert "at most 16383 px" in results[0].row.error
        assert "at most 16383 px" in table([results[0].row])
    assert contact_sheet(picture, results, side_px=30).height


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
    instead, message, picture, evaluator, tmp_path
):
    program = tmp_path / "ffmpeg"
    program.write_text(POOR_ENCODER.format(python=sys.executable, instead=instead))
    program.chmod(0o755)
    vvc = FfmpegVvenc(program, limit_s=1.0)
    codecs = [vvc, PILLOW_CODECS["jpeg"]()]
    results = list(PhotoComparison("a", picture, evaluator).results(codecs, [900, 2500]))
    failed, good = results[::2], results[1::2]
    assert all(message in o.row.error and o.picture is None for o in failed)
    assert all(o.row.error is None and o.row.n_bytes > 0 for o in good)
    told = table([o.row for o in results])
    assert message in told
    assert "JPEG" in told


def test_the_command_line_compares(run, photo, tmp_path, picture):
    words = ["compare", photo, "--bytes", 1500, "--codecs", "jpeg", "tiny-content"]
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


def test_text_is_read_and_drawn(run, tmp_path):
    pytest.importorskip("rapidocr")
    sign, sheet = tmp_path / "sign.png", tmp_path / "sheet.png"
    picture = Image.new("RGB", (360, 120), (230, 230, 220))
    words = ["compare", sign, "--bytes", 9000, "--codecs", "jpeg", "--metrics", "none"]
    words += ["--tasks", "none", "--cache-dir", tmp_path]
    picture.save(sign)
    _, out, _ = run(*words, "--text-boxes", sheet)
    assert "No text is found in the original." in out
    assert "Letters kept" not in out

    font = ImageFont.load_default(size=48)
    ImageDraw.Draw(picture).text((30, 50), "STATION", fill=(20, 20, 60), font=font)
    picture.save(sign)
    _, out, _ = run(*words, "--text-boxes", sheet)
    heads, cells = (re.split(" {2,}", line) for line in out.splitlines()[:2])
    told = dict(zip(heads, cells, strict=True))
    assert (told["Letters kept ↑"], told["letters +/~/!"]) == ("1.00", "7/0/0")
    with Image.open(sheet) as drawn:
        pixels = np.asarray(drawn)
    assert (pixels == [0x00, 0x9E, 0x73]).all(axis=-1).sum() > 1000  # two boxes, two labels

    code, out, _ = run(*words)
    assert code == 0
    assert "letters" not in out


def test_a_profile_alone_is_its_codec_of_one_step(run, photo, tmp_path):
    words = ["compare", photo, "--bytes", 1500, "--codecs", "tiny", "tiny-instant", "--json"]
    code, out, said = run(*words, "--cache-dir", tmp_path, "--metrics", "psnr_db")
    assert code == 0, said
    assert [row["codec"] for row in json.loads(out)["rows"]] == ["tiny-instant"]


def strict_json(text):
    """Read JSON, and refuse what only some programs take for it."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


class Lossless:
    """Gives every picture back as it was, in a file of one byte."""

    key, name, version = "same", "Lossless", "1"

    def code(self, image, n_bytes):
        self.image = image
        return CodedPicture(data=b"x", setting=0, fits=True, seconds=0.0)

    def decode(self, data):
        return self.image


def test_equal_pictures_have_infinite_psnr_in_every_output(picture, evaluator):
    (result,) = PhotoComparison("a", picture, evaluator).results([Lossless()], [100])
    assert result.row.values["psnr_db"] == float("inf")
    assert " inf " in table([result.row])
    told = strict_json(json_of({"rows": [result.row.to_json()], "nothing": float("nan")}))
    assert told["rows"][0]["values"]["psnr_db"] == "inf"
    assert told["nothing"] is None


@pytest.mark.parametrize("kind", ["3 x 3 px", "gray", "transparent"])
def test_odd_pictures_are_compared(kind, run, tmp_path, picture):
    path = tmp_path / "odd.png"
    odd = {
        "3 x 3 px": picture.resize((3, 3)),
        "gray": picture.convert("L"),
        "transparent": picture.convert("LA"),
    }[kind]
    odd.save(path)
    words = ["compare", path, "--codecs", "jpeg", "webp", "avif", "--cache-dir", tmp_path]
    code, out, said = run(*words, "--json")
    assert code == 0, said
    rows = strict_json(out)["rows"]
    # 0.03, 0.06 and 0.12 bpp of 9 px are less than a byte: one target, which none can keep.
    assert len(rows) == (3 if kind == "3 x 3 px" else 9)
    assert [row["error"] for row in rows] == [None] * len(rows)


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("vvc", "difficmh_core fetch baselines"),
        ("tiny-instant-refined", "difficmh_core fetch"),  # it optimizes LPIPS and DISTS
    ],
)
def test_a_codec_that_is_not_there_is_a_row(run, photo, tmp_path, key, command):
    words = ["compare", photo, "--bytes", 1500, "--codecs", key, "jpeg", "--cache-dir", tmp_path]
    code, out, _ = run(*words)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:3]] == [key, "JPEG"]
    assert f"{key}: " in out
    assert command in out
    code, out, _ = run(*words, "--json")
    absent, jpeg_row = strict_json(out)["rows"]
    assert command in absent["error"]
    assert jpeg_row["error"] is None


def test_measures_and_tasks_are_chosen_by_name(run, photo, tmp_path):
    words = ["compare", photo, "--bytes", 1500, "--codecs", "jpeg", "--cache-dir", tmp_path]
    code, out, said = run(*words, "--metrics", "gmsd", "psnr_db", "--tasks", "none")
    assert code == 0, said
    heads = out.splitlines()[0]
    assert "PSNR ↑" in heads
    assert "gmsd (pyiqa) ↓" in heads
    assert "MS-SSIM" not in out
    assert "left out" not in out
    assert "Color" not in out
    code, out, _ = run(*words, "--metrics", "none", "--tasks", "classification")
    assert code == 0
    assert "classification is left out" in out


def test_color_is_measured_unless_metrics_are_named(run, photo, folder, tmp_path):
    words = ["--codecs", "jpeg", "--cache-dir", tmp_path, "--tasks", "none"]
    code, out, _ = run("compare", photo, "--bytes", 1500, *words)
    assert code == 0
    head = out.splitlines()[0]
    assert "Color ↓" in head
    assert "worst block" not in head

    words = ["evaluate", folder, "--rates", 2, "--out", tmp_path / "out", *words]
    words += ["--set-metrics", "none"]
    code, out, _ = run(*words, "--limit", 2, "--metrics", "psnr_db")
    assert code == 0
    assert "## Color" not in out
    # The rest is measured with color; the tables say on how many photos.
    code, out, _ = run(*words)
    assert code == 0
    page = (tmp_path / "out" / "summary.md").read_text()
    heads = "color, mean block [of 255] ↓ | color, worst block [of 255] ↓"
    assert f"{heads} | color, whole image [of 255] ↓ | saturation, change [%] ↓ |" in page
    (summary,) = json.loads((tmp_path / "out" / "summary.json").read_text())["summaries"]
    values = summary["values"]
    assert {key: values[key]["n"] for key in COLOR_METRICS} == dict.fromkeys(COLOR_METRICS, 1)
    assert values["psnr_db"]["n"] == 3
    mean, worst = (values[key]["value"] for key in ("color_blocks", "color_worst_block"))
    assert 0 < mean < worst
    assert f"| {mean:.3f} ± 0.000 (1) |" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "--metrics", "psnr_bd"), "near are psnr_db"),
        (("compare", "--metrics", "fid"), "--set-metrics"),
        (("compare", "--tasks", "detectoin"), "no task 'detectoin'; near are detection"),
        (("evaluate", "--set-metrics", "kidd"), "near are kid"),
        (("compare", "--bpp", "-1"), "above 0, got -1"),
        (("compare", "--bytes", "0"), "at least 1 byte"),
        (("compare", "--codecs", "bpg"), "no codec 'bpg'"),
        (("compare", "--codecs", "tiny-slow"), "no preset 'slow'"),
        (("compare", "--codecs", "tiny-optimized"), "difficmh_core fetch"),  # what it optimizes
        (("compare", "--sheet", "sheet.jpg"), "written as PNG"),
    ],
)
def test_wrong_requests_are_refused(run, photo, tmp_path, words, message):
    command, *options = words
    code, _, said = run(command, photo, *options, "--cache-dir", tmp_path)
    assert code == 1
    assert message in said


def test_iterations_go_by_their_old_name_too():
    parser = argparse.ArgumentParser()
    add_codec_options(parser)
    for words in (["--iterations", "3"], ["--passes", "3"]):
        assert parser.parse_args(words).iterations == 3
    assert parser.parse_args([]).iterations == OptimizationSettings().iterations
    assert "--passes" not in parser.format_help()


def test_versions_of_decoders_stay(monkeypatch, load_once, tmp_path):
    """Rows that somebody measured are named by them."""
    monkeypatch.setattr("difficmh_core.cli.codecs.load_codec", load_once)
    parser = argparse.ArgumentParser()
    add_codec_options(parser)
    codecs = chosen_codecs(parser.parse_args(["--codecs", "nano-instant", "nano-content"]))
    assert [codec.version for codec in codecs.values()] == [
        "b77e32ba, decoder 266f9fa0",
        "b77e32ba, decoder 192f1eaa",
    ]
