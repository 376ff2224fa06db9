"""From tags to what cross-attention reads: an embedding per tag, or CLIP's text tower.

References:
    Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, 2021,
    https://arxiv.org/abs/2103.00020 (CLIP); the weights are OpenCLIP's ViT-H/14.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor, nn

from difficmh_core.config.networks import ConditioningConfig, TextTowerConfig
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.shapes import Context

_PADDING_ID = 0  # what the published system writes behind the end of a prompt

Tokenizer = Callable[[Sequence[str]], Int[Tensor, "batch tokens"]]
"""From prompts to token ids, padded to one length."""


@runtime_checkable
class Conditioner(Protocol):
    """Turns the tags of each picture into a context."""

    def __call__(self, tag_ids: Sequence[Sequence[int]]) -> Context:
        """Return the context of each picture; no tags give the unconditional one."""
        ...


class TagEmbedding(nn.Module):
    """One learned row per tag, in a fixed number of slots.

    The order of the tags does not matter: cross-attention treats its rows as a set. Free slots
    hold one further row, which means "no tag"; all slots free is the unconditional context.
    """

    def __init__(self, config: ConditioningConfig, context_channels: int) -> None:
        super().__init__()
        self.vocabulary_size = config.vocabulary_size
        self.max_tags = config.max_tags
        self.table = nn.Embedding(config.vocabulary_size + 1, context_channels)

    def forward(self, tag_ids: Sequence[Sequence[int]]) -> Context:
        """Return the context of each picture.

        Args:
            tag_ids: Indices into the vocabulary, at most ``max_tags`` per picture.

        Raises:
            ConfigError: If there are too many tags, or an index lies outside the vocabulary.
        """
        rows = list[list[int]]()
        for ids in tag_ids:
            if len(ids) > self.max_tags:
                raise ConfigError(f"At most {self.max_tags} tags fit, got {len(ids)}. Drop some.")
            _check_tag_ids(ids, self.vocabulary_size)
            rows.append([*ids, *[self.vocabulary_size] * (self.max_tags - len(ids))])
        context: Tensor = self.table(torch.tensor(rows, device=self.table.weight.device))
        return context


class TextTower(nn.Module):
    """CLIP's text transformer without its last layer, then its final normalization.

    Every position counts, the padding too: the published system passes no attention mask.
    """

    def __init__(self, config: TextTowerConfig) -> None:
        from transformers import CLIPTextConfig, CLIPTextModel

        super().__init__()
        self.max_tokens = config.max_tokens
        self.model = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=config.vocabulary_size,
                hidden_size=config.channels,
                intermediate_size=config.feed_forward_channels,
                num_hidden_layers=config.n_layers,
                num_attention_heads=config.n_heads,
                max_position_embeddings=config.max_tokens,
                hidden_act="gelu",  # the exact one, as in OpenCLIP
            )
        )

    def forward(self, token_ids: Int[Tensor, "batch tokens"]) -> Context:
        """Return one row per token."""
        context: Tensor = self.model(input_ids=token_ids).last_hidden_state
        return context


class TagPrompt(nn.Module):
    """Writes the tags as a prompt, "grass, dog", and reads it with the text tower.

    The tokenizer makes as many token ids as the tower reads.
    """

    def __init__(self, tower: TextTower, tokenizer: Tokenizer, tag_names: Sequence[str]) -> None:
        super().__init__()
        self.tower = tower
        self._tokenizer = tokenizer
        self._tag_names = tuple(tag_names)

    def forward(self, tag_ids: Sequence[Sequence[int]]) -> Context:
        """Return the context of each picture; no tags are the empty prompt.

        Args:
            tag_ids: Indices into the vocabulary; the prompt keeps their order. No tags give the
                empty prompt, which is also the unconditional one.

        Raises:
            ConfigError: If an index lies outside the vocabulary.
        """
        for ids in tag_ids:
            _check_tag_ids(ids, len(self._tag_names))
        prompts = [", ".join(self._tag_names[tag] for tag in ids) for ids in tag_ids]
        device = next(self.tower.parameters()).device
        context: Tensor = self.tower(self._tokenizer(prompts).to(device))
        return context


def load_clip_tokenizer(folder: Path, *, max_tokens: int = 77) -> Tokenizer:
    """Return CLIP's byte-pair tokenizer.

    Args:
        folder: Holds ``vocab.json`` and ``merges.txt``.
        max_tokens: Length of each row; longer prompts are cut before their end mark, and behind
            the end mark of shorter ones stands 0.

    Raises:
        BackendUnavailableError: If a file is missing.
    """
    vocabulary_path, merges_path = folder / "vocab.json", folder / "merges.txt"
    for path in (vocabulary_path, merges_path):
        if not path.is_file():
            raise BackendUnavailableError(
                f"The text tower's tokenizer needs {path}, which is not there. Fetch the files of "
                "the published profile, or use a profile without a text tower."
            )
    from transformers import CLIPTokenizer

    lines = merges_path.read_text(encoding="utf-8").splitlines()
    tokenizer = CLIPTokenizer(
        vocab=json.loads(vocabulary_path.read_text(encoding="utf-8")),
        merges=[tuple(line.split()) for line in lines if line and not line.startswith("#version")],
    )

    def tokenize(prompts: Sequence[str]) -> Int[Tensor, "batch tokens"]:
        rows = tokenizer(list(prompts), truncation=True, max_length=max_tokens)["input_ids"]
        padded = [[*row, *[_PADDING_ID] * (max_tokens - len(row))] for row in rows]
        return torch.tensor(padded)

    return tokenize


def _check_tag_ids(ids: Sequence[int], vocabulary_size: int) -> None:
    if any(not 0 <= tag < vocabulary_size for tag in ids):
        raise ConfigError(
            f"Tag ids must lie in 0 to {vocabulary_size - 1}, got {list(ids)}. "
            "Use the vocabulary that the file was coded with."
        )
