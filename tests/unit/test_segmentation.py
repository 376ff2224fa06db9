"""From queries to instances and segments, by hand."""

import pytest
import torch

from difficmh_core.vision.segmentation import instances_of, panorama_of

NOTHING = 3
"""Three classes: 0 and 1 are things, 2 is stuff."""


def classes(*rows):
    """The distribution of each query, of (class, probability); the rest is spread evenly."""
    made = torch.empty(len(rows), NOTHING + 1)
    for row, (label, p) in zip(made, rows, strict=True):
        row.fill_((1 - p) / NOTHING)
        row[label] = p
    return made


def columns(left, right, inside, outside, width=10):
    made = torch.full((2, width), outside)
    made[:, left:right] = inside
    return made


def test_instances_are_what_queries_are_sure_of():
    logits = torch.stack(
        [
            columns(0, 5, 2.0, -2.0),
            columns(5, 10, 20.0, -20.0),
            columns(0, 10, 20.0, -20.0),  # nothing
            columns(0, 0, 1.0, -1.0),  # empty
            columns(2, 4, 0.1, -1.0),  # unsure where
        ]
    )
    found = instances_of(classes((0, 0.9), (1, 0.8), (NOTHING, 0.9), (0, 0.9), (1, 0.9)), logits)
    assert [instance.label_id for instance in found] == [1, 0]
    assert found[0].score == pytest.approx(0.8)
    assert found[1].score == pytest.approx(0.9 / (1 + torch.exp(torch.tensor(-2.0)).item()))
    assert torch.equal(found[1].mask, logits[0] > 0)


def test_each_pixel_goes_to_the_likeliest_query():
    masks = torch.stack(
        [columns(0, 6, 0.9, 0.0), columns(5, 10, 1.0, 0.0), columns(0, 10, 0.3, 0.3)]
    )
    found = panorama_of(classes((0, 0.95), (1, 0.9), (2, 0.7)), masks, n_things=2)
    assert found.labels == {1: 0, 2: 1}
    assert found.segments[0].tolist() == [1] * 5 + [2] * 5


def test_stuff_is_one_segment_and_things_are_many():
    masks = torch.stack([columns(0, 3, 1.0, 0.0), columns(3, 6, 1.0, 0.0)])
    stuff = panorama_of(classes((2, 0.9), (2, 0.9)), masks, n_things=2)
    assert stuff.labels == {1: 2}
    assert stuff.segments[0].tolist() == [1] * 6 + [0] * 4
    things = panorama_of(classes((1, 0.9), (1, 0.9)), masks, n_things=2)
    assert things.labels == {1: 1, 2: 1}
    assert things.segments[0].tolist() == [1] * 3 + [2] * 3 + [0] * 4


def test_what_is_hidden_for_the_most_part_is_no_segment():
    masks = torch.stack([columns(0, 10, 0.9, 0.0), columns(2, 10, 1.0, 0.0)])
    found = panorama_of(classes((0, 0.9), (1, 0.9)), masks, n_things=2)
    assert found.labels == {1: 1}
    assert found.segments[0].tolist() == [0] * 2 + [1] * 8


def test_no_sure_query_leaves_everything_void():
    found = panorama_of(classes((NOTHING, 0.9), (0, 0.5)), torch.ones(2, 2, 3), n_things=2)
    assert found.labels == {}
    assert not found.segments.any()
