"""Tags become context: by an embedding each, or as a prompt that a text tower reads."""

import json

import pytest
import torch

from difficmh_core.config.networks import ConditioningConfig, TextTowerConfig
from difficmh_core.diffusion.conditioning import (
    TagEmbedding,
    TagPrompt,
    TextTower,
    load_clip_tokenizer,
)
from difficmh_core.errors import BackendUnavailableError, ConfigError

CONFIG = ConditioningConfig(vocabulary="imagenet+coco", vocabulary_size=10, max_tags=3)


@pytest.fixture
def embedding():
    torch.manual_seed(0)
    return TagEmbedding(CONFIG, context_channels=6)


def test_each_tag_fills_a_slot_and_free_slots_share_a_row(embedding):
    context = embedding([[7, 2], []])
    table = embedding.table.weight
    assert context.shape == (2, 3, 6)
    assert torch.equal(context[0], table[[7, 2, 10]])
    assert torch.equal(context[1], table[[10, 10, 10]])


@pytest.mark.parametrize("ids", [[-1], [10], [0, 1, 2, 3]])
def test_tags_that_do_not_fit_are_refused(embedding, ids):
    with pytest.raises(ConfigError, match=r"Tag ids must lie|At most 3 tags"):
        embedding([ids])


@pytest.fixture
def tokenizer_folder(tmp_path):
    """A vocabulary of single letters and one merge; the end mark's id is not 0."""
    letters = ["!", "a", "b", ",", "b</w>", "a</w>", ",</w>", "ab</w>"]
    words = [*letters, "<|startoftext|>", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    return tmp_path


def test_prompts_are_cut_before_the_end_mark_and_padded_with_zero(tokenizer_folder):
    tokenize = load_clip_tokenizer(tokenizer_folder, max_tokens=5)
    assert tokenize(["", "AB", "a, b, a, b"]).tolist() == [
        [8, 9, 0, 0, 0],
        [8, 7, 9, 0, 0],
        [8, 5, 6, 4, 9],
    ]


def test_missing_tokenizer_names_the_file(tmp_path):
    with pytest.raises(BackendUnavailableError, match=r"vocab\.json"):
        load_clip_tokenizer(tmp_path)


def test_tag_prompt_joins_the_names_with_commas(tokenizer_folder):
    tower = TextTower(
        TextTowerConfig(
            channels=8,
            feed_forward_channels=16,
            n_layers=1,
            n_heads=2,
            vocabulary_size=10,
            max_tokens=6,
        )
    ).eval()
    tokenize = load_clip_tokenizer(tokenizer_folder, max_tokens=6)
    prompts = []

    def listen(texts):
        prompts.extend(texts)
        return tokenize(texts)

    conditioner = TagPrompt(tower, listen, ["ab", "b", "a"])
    with torch.no_grad():
        context = conditioner([[0, 2], []])
        assert prompts == ["ab, a", ""]
        assert torch.equal(context, tower(tokenize(["ab, a", ""])))
    with pytest.raises(ConfigError, match="0 to 2"):
        conditioner([[3]])


def test_text_tower_reads_from_left_to_right():
    tower = TextTower(
        TextTowerConfig(
            channels=8,
            feed_forward_channels=16,
            n_layers=2,
            n_heads=2,
            vocabulary_size=20,
            max_tokens=7,
        )
    ).eval()
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6, 7]])
    changed = tokens.clone()
    changed[0, 4] = 9
    with torch.no_grad():
        before, after = tower(tokens), tower(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])
