"""Cards name what is fetched and what ships."""

import json
import re

import pytest

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.cards import PACKAGE_CARDS, sha256_of
from difficmh_core.weights.network_card import (
    describe_network,
    read_network_card,
    write_network_card,
)

DESCRIPTION = {
    "license": "Apache-2.0",
    "source": "python -m difficmh_core train",
    "data": "about five thousand photographs",
    "n_steps": {"codec": 1000},
    "training_seconds": 60.0,
    "device": "two CPU cores",
    "metrics": {"psnr_db": 25.0},
}


@pytest.mark.parametrize("card", PACKAGE_CARDS, ids=lambda card: card.file)
def test_every_card_is_complete(card):
    assert re.fullmatch("[0-9a-f]{64}", card.sha256)
    assert re.fullmatch("[0-9a-f]{64}", card.archive.sha256)
    assert card.archive.file.endswith((".whl", ".tar.gz"))
    assert card.n_bytes > 0
    assert card.archive.n_bytes > 0
    assert card.without_it.endswith(".")
    assert card.license
    assert card.source.startswith("https://")


def test_no_two_cards_share_a_file():
    assert len({card.file for card in PACKAGE_CARDS}) == len(PACKAGE_CARDS)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "unet.safetensors"
    path.write_bytes(b"weights")
    return path


def test_a_network_card_comes_back_as_written(weights):
    card = describe_network(weights, **DESCRIPTION)
    assert (card.n_bytes, card.sha256) == (7, sha256_of(weights))
    path = write_network_card(card, weights)
    assert path == weights.with_suffix(".json")
    assert read_network_card(weights) == card


def test_changed_weights_are_refused(weights):
    card = describe_network(weights, **DESCRIPTION)
    write_network_card(card, weights)
    weights.write_bytes(b"Weights")
    with pytest.raises(CheckpointError, match=f"{sha256_of(weights)}.*{card.sha256}"):
        read_network_card(weights)
    weights.unlink()
    with pytest.raises(CheckpointError, match="missing"):
        read_network_card(weights)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 5000, json.dumps({"file": "a"})])
def test_a_damaged_card_is_refused(weights, content):
    weights.with_suffix(".json").write_text(content)
    with pytest.raises(CheckpointError, match=r"unet\.json"):
        read_network_card(weights)
    weights.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_network_card(weights)
