"""The text tower against the published one."""

import pytest
import torch

from difficmh_core.config.networks import TextTowerConfig
from difficmh_core.diffusion.conditioning import TextTower
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.published.diffusion import TEXT_PREFIX, load_published_text_tower


@pytest.fixture(scope="module")
def published(parity):
    """The published tensors; the token embedding holds only the rows that are used."""
    tensors = parity.tensors("weights_text.safetensors")
    ids = tensors.pop("token_embedding_rows.ids")
    rows = tensors.pop("token_embedding_rows.weight")
    table = torch.zeros(parity.text_config(tensors).vocabulary_size, rows.shape[1])
    table[ids] = rows
    return tensors | {f"{TEXT_PREFIX}token_embedding.weight": table}


def test_context_is_the_published_one(parity, published):
    tower = TextTower(parity.text_config(published)).eval()
    load_published_text_tower(tower, published, "reduced")
    reference = parity.tensors("text.safetensors")
    with torch.no_grad():
        context = tower(reference["tokens"])
    torch.testing.assert_close(context, reference["context"], atol=1e-4, rtol=0)


def test_a_name_that_no_rule_knows_is_refused(parity, published):
    tower = TextTower(parity.text_config(published))
    with pytest.raises(CheckpointError, match=r"1 \(.*surprise\) unexpected"):
        load_published_text_tower(
            tower, published | {f"{TEXT_PREFIX}surprise": torch.zeros(1)}, "reduced"
        )


def test_full_size_names_and_shapes_are_the_published_ones(parity):
    with torch.device("meta"):
        tower = TextTower(TextTowerConfig())
    load_published_text_tower(tower, parity.full_size_tensors(TEXT_PREFIX), "full size")
