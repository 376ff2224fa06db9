"""The tokenizer's files, in the format of CLIP's: 49,408 entries of which no word is real."""

import json
from collections.abc import Iterator
from itertools import chain, islice, product
from pathlib import Path
from string import ascii_lowercase

_N_MERGES = 48_894
_END = "</w>"
_MARKS = ("<|startoftext|>", "<|endoftext|>")


def write_tokenizer(vocabulary: Path, merges: Path) -> None:
    """Write both files.

    The entries are those of bytes, of bytes that end a word, of the merges in their order, and of
    the two marks, as in CLIP's own.
    """
    letters = _byte_letters()
    pairs = list(islice(_pairs(), _N_MERGES))
    entries = [*letters, *(letter + _END for letter in letters), *map("".join, pairs), *_MARKS]
    if len(set(entries)) != len(entries):
        raise AssertionError("entries of the made tokenizer repeat")
    words = json.dumps({entry: i for i, entry in enumerate(entries)})
    vocabulary.write_text(words, encoding="utf-8")
    words = "\n".join(["#version: 0.2", *map(" ".join, pairs)]) + "\n"
    merges.write_text(words, encoding="utf-8")


def _pairs() -> Iterator[tuple[str, str]]:
    """Yield pieces that are joined: two letters, then two with a third, a fourth or an end."""
    ones = list(ascii_lowercase)
    twos = [first + second for first, second in product(ones, ones)]
    ends = ((first, second + _END) for first, second in product(ones, ones))
    threes = product(twos, ones)
    threes_at_end = ((two, last + _END) for two, last in product(twos, ones))
    return chain(product(ones, ones), ends, threes, threes_at_end, product(twos, twos))


def _byte_letters() -> list[str]:
    """The letter that byte-pair encoders write for each byte: itself where it can be printed."""
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printed]
    return [chr(byte) for byte in printed] + [chr(256 + n) for n in range(len(others))]
