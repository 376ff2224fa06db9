"""Bjøntegaard deltas and means with intervals: known answers, and what is not defined."""

import numpy as np
import pytest

from difficmh_core.evaluation.comparison import Row
from difficmh_core.evaluation.deltas import (
    bd_quality,
    bd_rate,
    codec_deltas,
    precision_deltas,
    set_deltas,
)
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.statistics import bootstrap, summarize
from difficmh_core.vision.coco_map import MeanPrecision

PSNR = metric_of("psnr_db")


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
    found = bootstrap(PSNR, [{"psnr_db": value} for value in values])
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


def test_distances_of_sets_have_deltas_on_the_same_pictures():
    def line(codec, rate, value, n_pictures=9):
        shared = {"measure": "kernel", "deviation": 0.1, "n": 72, "note": None}
        return shared | {
            "codec": codec,
            "rate_bpp": rate,
            "value": value,
            "n_pictures": n_pictures,
        }

    rates = (0.03, 0.06, 0.12)
    bpp = {(codec, rate): rate for codec in ("vvc", "nano", "half", "few") for rate in rates}
    lines = [line("vvc", rate, 1 - rate) for rate in rates]
    lines += [line("nano", rate, 0.95 - rate) for rate in rates]
    lines += [line("half", rate, 0.9 - rate, 8) for rate in rates]
    lines += [line("few", rate, None) for rate in rates]
    (delta,) = set_deltas(lines, bpp, "vvc")
    assert (delta["codec"], delta["measure"], delta["n"]) == ("nano", "kernel", 9)
    assert delta["bd_quality"] == {
        "value": pytest.approx(0.05, abs=1e-6),
        "low": None,
        "high": None,
    }
    assert set_deltas(lines, bpp, "jpeg") == []


def test_deltas_use_the_pictures_on_which_a_measure_is_defined():
    def row(codec, picture, index, **values):
        rate = (0.5, 1.0, 2.0)[index]
        return Row(
            picture=picture,
            codec=codec,
            name=codec,
            version="1",
            target_bytes=1,
            target_bpp=rate,
            bpp=rate,
            values=values,
        )

    rows = [
        row(codec, picture, index, psnr_db=30.0 + index + shift, **further)
        for codec, shift in (("a", 0), ("b", 1))
        for picture, further in (("x", {"ms_ssim": 0.9}), ("y", {}))
        for index in range(3)
    ]
    found = {d["measure"]: d for d in codec_deltas(rows, (0.5, 1.0, 2.0), "a")}
    assert (found["psnr_db"]["n"], found["ms_ssim"]["n"]) == (2, 1)
    assert found["psnr_db"]["bd_quality"]["value"] == pytest.approx(1)
    assert found["ms_ssim"]["bd_quality"]["value"] is None  # it does not rise


def test_infinite_quality_has_no_delta():
    anchor = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    assert bd_rate(anchor, [(1.0, 1.0), (2.0, 2.0), (3.0, float("inf"))]) is None


def test_the_bootstrap_takes_infinite_values():
    found = bootstrap(PSNR, [{"psnr_db": value} for value in (1.0, 2.0, float("inf"))])
    assert (found.value, found.high, found.n) == (float("inf"), float("inf"), 3)
    assert found.low <= 2
