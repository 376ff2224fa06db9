"""Letters of two pictures, gathered by place and aligned."""

from dataclasses import replace

import pytest

from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.letters import aligned, compare_text


def line(text, top, left=0.0, score=0.99):
    box = left, float(top), left + 10.0 * len(text), top + 20.0
    return Detection(label_id=0, label=text, score=score, box_xyxy_px=box)


def said(lines):
    return [each.label for each in lines]


@pytest.mark.parametrize(
    ("original", "decoded", "counts"),
    [
        ("EXIT", "EXIT", (4, 0, 0)),
        ("EX IT", "E XIT", (4, 0, 0)),
        ("EXIT", "EXTT", (3, 1, 0)),
        ("EXIT", "EXT", (3, 1, 0)),
        ("EXIT", "EXISTS", (4, 0, 2)),
        ("", "NEW", (0, 0, 3)),
        ("OLD", "", (0, 3, 0)),
    ],
)
def test_letters_are_kept_changed_or_invented(original, decoded, counts):
    assert aligned(original, decoded) == counts


def test_lines_are_gathered_by_place():
    original = [line("STOP", 0), line("GO", 100)]
    decoded = [line("GO", 101), line("SHOP", 2), line("???", 300)]
    found = compare_text(original, decoded)
    assert found.counts == (5, 1, 3)
    assert found.kept == pytest.approx(5 / 6)
    places = {(*said(place.original), *said(place.decoded)): place for place in found.places}
    assert {words: place.is_kept for words, place in places.items()} == {
        ("GO", "GO"): True,
        ("STOP", "SHOP"): False,
        ("???",): False,
    }


def test_a_line_that_is_gone_is_changed_to_nothing():
    found = compare_text([line("STOP", 0)], [line("STOP", 200)])
    assert found.counts == (0, 4, 4)
    assert [said(place.decoded) for place in found.places] == [[], ["STOP"]]


def test_a_line_that_is_read_in_pieces_keeps_its_letters():
    whole, pieces = [line("COFFEE SHOP", 0)], [line("SHOP", 1, left=70.0), line("COFFEE", 0)]
    (place,) = compare_text(whole, pieces).places
    assert said(place.decoded) == ["COFFEE", "SHOP"]
    assert place.is_kept
    assert compare_text(pieces, whole).counts == (10, 0, 0)


def test_only_what_is_read_with_confidence_counts_as_text():
    sure, unsure = line("STOP", 0), line("STOP", 0, score=0.6)
    assert compare_text([unsure], [sure]).places == ()  # it may have stood there before
    assert compare_text([], [unsure]).places == ()
    assert compare_text([sure], [unsure]).counts == (4, 0, 0)
    cup = line("8", 0, score=0.9)
    assert compare_text([cup], []).places == ()
    assert compare_text([line("8", 0)], []).counts == (0, 1, 0)


def turned(each):
    left, top, right, bottom = each.box_xyxy_px
    return replace(each, box_xyxy_px=(top, left, bottom, right))


def test_a_line_that_runs_downwards_is_read_downwards():
    pieces = [turned(line("SHOP", 1, left=70.0)), turned(line("COFFEE", 0))]
    (place,) = compare_text(pieces, [turned(line("COFFEE SHOP", 0))]).places
    assert said(place.original) == ["COFFEE", "SHOP"]
    assert place.is_kept


def test_small_letters_between_large_ones_are_a_place_of_their_own():
    large = Detection(label_id=0, label="BROWN", score=0.99, box_xyxy_px=(0, 0, 300, 120))
    found = compare_text([large, line("SCOTT", 10, left=90)], [large, line("SC0TT", 11, left=91)])
    assert [place.is_kept for place in found.places] == [True, False]
    assert found.counts == (9, 1, 0)


def test_the_original_alone_keeps_all_of_its_letters():
    found = compare_text([line("STOP", 0)], [line("SHOP", 2), line("NEW", 90)]).of_original
    assert found.counts == (4, 0, 0)
    assert [said(place.decoded) for place in found.places] == [["STOP"]]


def test_without_text_no_share_of_it_is_kept():
    assert compare_text([], []).kept is None
    assert compare_text([], [line("NEW", 0)]).counts == (0, 0, 3)
