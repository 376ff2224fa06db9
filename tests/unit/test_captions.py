"""Agreement of captions: ROUGE-L and F1 of words, by hand."""

import pytest

from difficmh_core.vision.captions import caption_agreement, common_subsequence, words_of

POLICE = "police killed the gunman"
"""The example of Lin's paper, section 3.1."""


@pytest.mark.parametrize(
    ("candidate", "length"),
    [("police kill the gunman", 3), ("the gunman kill police", 2), ("", 0)],
)
def test_common_words_in_order_are_those_of_the_paper(candidate, length):
    assert common_subsequence(POLICE.split(), candidate.split()) == length
    assert common_subsequence(candidate.split(), POLICE.split()) == length


def test_rouge_and_f1():
    assert set(caption_agreement(POLICE, POLICE.upper() + ".").values()) == {1}
    found = caption_agreement(POLICE, "the gunman kill police")
    assert found["caption_rouge_l"] == pytest.approx(2 / 4)
    assert found["caption_f1"] == pytest.approx(2 * 3 / 8)
    # P = 2/2, R = 2/4: (1 + 1.44) / (0.5 + 1.44) * 0.5
    short = caption_agreement(POLICE, "the gunman")
    assert short["caption_rouge_l"] == pytest.approx(2.44 * 0.5 / (0.5 + 1.44))
    assert short["caption_f1"] == pytest.approx(2 * 2 / 6)


def test_words_count_as_often_as_both_have_them():
    assert caption_agreement("a cat and a dog", "a a a")["caption_f1"] == pytest.approx(4 / 8)


def test_captions_without_words():
    assert set(caption_agreement("", " . ").values()) == {1}
    assert set(caption_agreement("a cat", "").values()) == {0}
    assert set(caption_agreement("cat", "dog").values()) == {0}
    assert words_of("A man's dog, seen from above!") == [
        "a",
        "man's",
        "dog",
        "seen",
        "from",
        "above",
    ]
