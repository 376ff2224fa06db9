"""Captions through transformers: what a network says of a picture, word by word.

The words of the decoded picture's caption c against those of the original's r, in lower case and
without punctuation::

    ROUGE-L = (1 + b^2) P R / (R + b^2 P),  P = LCS(c, r) / |c|,  R = LCS(c, r) / |r|,  b = 1.2
    F1      = 2 * words in common / (|c| + |r|), each word as often as both have it

References:
    Wang et al.: GIT, TMLR 2022, https://arxiv.org/abs/2205.14100
    Lin: ROUGE, ACL workshop 2004, https://aclanthology.org/W04-1013/, section 3
    Chen et al.: Microsoft COCO Captions, 2015, https://arxiv.org/abs/1504.00325 (b = 1.2)
    Rajpurkar et al.: SQuAD, EMNLP 2016, https://arxiv.org/abs/1606.05250, section 6.1 (F1)
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from difficmh_core.shapes import Image01
from difficmh_core.vision.pretrained import PretrainedTask

MAX_TOKENS = 20
"""Longest caption, as the field evaluates COCO."""
BETA = 1.2
"""Weight of recall in ROUGE-L."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def caption_agreement(original: str, decoded: str) -> Mapping[str, float]:
    """Return ROUGE-L and F1 of the words of two captions; 1 if neither has any."""
    reference, candidate = words_of(original), words_of(decoded)
    if not (reference and candidate):
        return dict.fromkeys(("caption_rouge_l", "caption_f1"), float(reference == candidate))
    length = common_subsequence(reference, candidate)
    precision, recall = length / len(candidate), length / len(reference)
    n_common = (Counter(reference) & Counter(candidate)).total()
    return {
        "caption_rouge_l": (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
        if length
        else 0.0,
        "caption_f1": 2 * n_common / (len(reference) + len(candidate)),
    }


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case, without punctuation."""
    return _WORD.findall(text.casefold())


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest sequence of words that both have in this order."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for index, other in enumerate(second, start=1):
            above = lengths[index]
            lengths[index] = before + 1 if word == other else max(above, lengths[index - 1])
            before = above
    return lengths[-1]


class Captioning(PretrainedTask):
    """One sentence about a picture, the likeliest next word each time."""

    key = "captions"
    name = "captioning (GIT, base)"

    agreement = staticmethod(caption_agreement)

    def see(self, image: Image01) -> str:
        """Return the caption."""
        made = self.network.generate(
            pixel_values=self.pixels(image),
            max_new_tokens=MAX_TOKENS,
            do_sample=False,
            num_beams=1,
        )
        tokenizer = self.tokenizer
        words: str = tokenizer.decode(made[0], skip_special_tokens=True)  # type: ignore[union-attr]
        return words.strip()
