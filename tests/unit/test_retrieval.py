"""Agreement of retrieval: recall and cosine, by hand."""

import pytest
import torch

from difficmh_core.vision.retrieval import retrieval_agreement, retrieval_texts


def at(degrees):
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    return torch.stack([angle.cos(), angle.sin()])


TEXTS = torch.stack([at(10 * index) for index in range(9)])


def test_equal_pictures_agree():
    found = retrieval_agreement(at(20), at(20), TEXTS)
    assert found["clip_recall1"] == found["clip_recall5"] == 1
    assert found["clip_cosine"] == pytest.approx(1)


def test_the_nearest_text_of_the_original_is_looked_for():
    # At 38 degrees the texts at 40, 30, 50, 20, 60 are nearest, in this order.
    found = retrieval_agreement(at(20), at(38), TEXTS)
    assert (found["clip_recall1"], found["clip_recall5"]) == (0, 1)
    assert found["clip_cosine"] == pytest.approx(torch.cos(torch.deg2rad(torch.tensor(18.0))))
    assert retrieval_agreement(at(0), at(38), TEXTS)["clip_recall5"] == 0


def test_the_texts_name_each_thing_once():
    texts = retrieval_texts()
    assert len(texts) == len(set(texts)) == 1063
    assert texts[0] == "a photo of a tench."
    assert texts[-1] == "a photo of a toothbrush."
