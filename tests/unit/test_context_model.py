"""The context model walks in the documented order and never looks ahead."""

import torch

from difficmh_core.compression.context_model import (
    ContextModel,
    merge_checkerboard,
    split_checkerboard,
)
from difficmh_core.config.profiles import TINY

CONFIG = TINY.latent_codec


def positions(rows, columns):
    """Number every position of a one-channel latent in raster order."""
    return torch.arange(float(rows * columns)).reshape(1, 1, rows, columns)


def walk(model, hyper_features, y):
    """Run with rounding and return the passes and what was predicted for each."""
    halves, seen = split_checkerboard(y), []

    def code(step, scales, means):
        seen.append((step, scales, means))
        return step.of(*halves).round()

    return model.run(hyper_features, code), seen


def test_anchors_are_where_row_plus_column_is_odd():
    anchors, others = split_checkerboard(positions(4, 4))
    assert anchors.flatten().tolist() == [1, 3, 4, 6, 9, 11, 12, 14]
    assert others.flatten().tolist() == [0, 2, 5, 7, 8, 10, 13, 15]


def test_merge_undoes_split():
    latent = torch.randn(2, 5, 6, 8)
    assert torch.equal(merge_checkerboard(*split_checkerboard(latent)), latent)


def test_passes_come_slice_by_slice_anchors_first():
    model = ContextModel(CONFIG)
    _, seen = walk(model, torch.randn(1, 32, 4, 4), torch.randn(1, 16, 4, 4))
    assert [(s.first_channel, s.last_channel, s.is_anchor) for s, _, _ in seen] == [
        (0, 4, True), (0, 4, False), (4, 8, True), (4, 8, False), (8, 16, True), (8, 16, False),
    ]  # fmt: skip
    assert all(
        scales.shape == (1, s.last_channel - s.first_channel, 4, 2) for s, scales, _ in seen
    )


def test_result_is_assembled_from_what_was_coded():
    y = 5 * torch.randn(2, 16, 4, 8)
    y_hat, _ = walk(ContextModel(CONFIG), torch.randn(2, 32, 4, 8), y)
    assert torch.equal(y_hat, y.round())


def test_each_pass_sees_only_earlier_passes():
    torch.manual_seed(0)
    model, hyper_features = ContextModel(CONFIG), torch.randn(1, 32, 4, 4)
    y = 5 * torch.randn(1, 16, 4, 4)
    _, reference = walk(model, hyper_features, y)
    for changed, (step, _, _) in enumerate(reference):
        anchors, others = (half.clone() for half in split_checkerboard(y))
        (step.of(anchors, others)).add_(3)
        _, seen = walk(model, hyper_features, merge_checkerboard(anchors, others))
        for index, (_, scales, means) in enumerate(seen):
            same = torch.equal(scales, reference[index][1]) and torch.equal(
                means, reference[index][2]
            )
            if index <= changed:
                assert same, f"pass {index} depends on pass {changed}"
            elif index // 2 > changed // 2 or index == changed + 1:
                assert not same, f"pass {index} does not read pass {changed}"
