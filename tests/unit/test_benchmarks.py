"""The arithmetic of the benchmarks."""

import pytest
import torch

from benchmarks.agreement import Agreement, f1, jensen_shannon_bits, n_matches
from benchmarks.rate_distortion import METRICS, Row, best_within, means_of
from difficmh_core.tagging.detector import Detection


def box(label_id, left, top, right, bottom):
    return Detection(
        label_id=label_id, label="", score=0.9, box_xyxy_px=(left, top, right, bottom)
    )


def test_the_largest_file_that_fits_is_found():
    def coded(setting):
        return bytes(10 * setting)

    settings = range(9, 0, -1)
    for n_bytes in range(10, 120):
        data, fits = best_within(coded, settings, n_bytes)
        assert fits
        assert len(data) == min(90, n_bytes // 10 * 10)


def test_the_smallest_file_is_counted_where_none_fits():
    data, fits = best_within(lambda setting: bytes(10 * setting), range(9, 0, -1), 5)
    assert (len(data), fits) == (10, False)


def test_means_are_by_target_and_codec():
    values = dict.fromkeys(METRICS, 0.25)
    found, missed = Agreement(1.0, 0.0, 3, 0, 0), Agreement(0.0, 0.5, 0, 1, 1)
    common = {"fits": True, "values": values, "agreement": found}
    rows = [
        Row(picture="a", target_bpp=0.06, codec="x", bpp=0.05, **common),
        Row(picture="b", target_bpp=0.06, codec="x", bpp=0.06, **common | {"agreement": missed}),
        Row(picture="a", target_bpp=0.06, codec="y", bpp=0.01, **common | {"fits": False}),
    ]
    first, second = means_of(rows)
    assert (first["codec"], first["n"], first["fitting"], first["bpp"]) == ("x", 2, 2, 0.055)
    assert (first["dists"], first["top1"], first["box_f1"]) == (0.25, 0.5, 0.75)
    assert (second["codec"], second["fitting"]) == ("y", 0)


def test_boxes_pair_up_once_and_by_class():
    originals = [box(1, 0, 0, 10, 10), box(1, 0, 0, 10, 9), box(2, 50, 50, 60, 60)]
    decoded = [box(1, 0, 0, 10, 10), box(3, 50, 50, 60, 60)]
    assert n_matches(originals, decoded) == 1
    assert n_matches(originals, originals) == 3
    assert n_matches([box(1, 0, 0, 10, 10)], [box(1, 6, 0, 16, 10)]) == 0


def test_f1_counts_missed_and_invented_boxes():
    result = Agreement(top1=1, js_bits=0, matched=2, missed=1, hallucinated=1)
    assert f1([result]) == pytest.approx(2 / 3)
    assert f1([Agreement(top1=1, js_bits=0, matched=0, missed=0, hallucinated=0)]) == 1


def test_divergence_is_zero_for_equal_and_one_for_disjoint():
    first, second = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert jensen_shannon_bits(first, first) == 0
    assert jensen_shannon_bits(first, second) == pytest.approx(1)
