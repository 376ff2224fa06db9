"""What the command line does to get the published system, against a small server."""

import io
import json
import os
from pathlib import Path

import pytest
import torch

from difficmh_core.cli.main import main
from difficmh_core.errors import BackendUnavailableError, CheckpointError, ConfigError
from difficmh_core.models import sd21
from difficmh_core.models.load import load_codec
from difficmh_core.tagging.ram import RamConfig
from difficmh_core.tagging.vocabulary import load_vocabulary
from difficmh_core.weights.hub import fetch_from_hub
from difficmh_core.weights.hub_cards import CHECKPOINTS, cards_of_rate, cards_of_training
from difficmh_core.weights.published.checkpoint import PARTS
from tests.hub_server import serving
from tests.reference import DEFAULT_FOLDER


def address(card):
    kind = "spaces/" if card.is_space else ""
    return f"/{kind}{card.repository}/resolve/{card.revision}/{card.path}"


@pytest.fixture(scope="module")
def checkpoint():
    """A checkpoint with one tensor in each part."""
    buffer = io.BytesIO()
    weights = {f"{prefix}weight": torch.rand(40, 40) for prefix in PARTS.values()}
    torch.save({"state_dict": weights}, buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(checkpoint):
    """Serves rate 16, of which no SHA-256 is pinned, and what it needs beside."""
    files = {address(card): b"{}" for card in cards_of_rate(16)}
    files[address(CHECKPOINTS[16])] = checkpoint
    with serving(files) as server:
        yield server


def test_every_card_names_the_command_that_gets_it():
    cards = [card for rate in CHECKPOINTS for card in cards_of_rate(rate)]
    for card in [*cards, *cards_of_training()]:
        assert card.command.startswith("python -m difficmh_core fetch sd21")
        assert card.n_bytes > 0


def test_a_profile_that_was_not_fetched_names_the_command(tmp_path):
    with pytest.raises(BackendUnavailableError) as caught:
        load_codec("sd21", cache_dir=tmp_path, rate=8)
    message = str(caught.value)
    assert "the published checkpoint of rate 8 and 4 smaller files" in message
    assert "(11.66 GB) with `python -m difficmh_core fetch sd21 --rate 8`" in message
    assert "use profile nano" in message
    with pytest.raises(ConfigError, match="no published checkpoint of rate 5"):
        load_codec("sd21", cache_dir=tmp_path, rate=5)


@pytest.fixture
def fetch(hub, tmp_path, capsys, monkeypatch):
    """Run ``fetch``; the tagger's words, whose checksums are pinned, count as fetched."""
    monkeypatch.setattr(
        "difficmh_core.weights.hub_cards._BESIDE", cards_of_rate(16)[:2], raising=True
    )

    def run(*words):
        code = main(
            ["fetch", *words, "--endpoint", hub.endpoint, "--cache-dir", str(tmp_path), "--json"]
        )
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if code == 0 else captured.err

    return run


def test_the_checkpoint_arrives_and_is_stripped(fetch, tmp_path, checkpoint):
    code, told = fetch("sd21", "--rate", "16")
    assert code == 0
    original = CHECKPOINTS[16].place(tmp_path)
    assert str(original) in told["files"]
    assert original.read_bytes() == checkpoint

    code, told = fetch("sd21", "--rate", "16", "--stripped", "--bfloat16")
    assert code == 0
    assert not original.exists()
    stripped = sd21.stripped_files(16, tmp_path)
    assert all(path.is_file() and str(path) in told["files"] for path in stripped)
    assert told["n_bytes"][CHECKPOINTS[16].path] == len(checkpoint)
    assert told["n_bytes"][stripped[0].name] == stripped[0].stat().st_size < len(checkpoint)

    code, again = fetch("sd21", "--rate", "16", "--slim")  # its old name
    assert code == 0
    assert not original.exists()
    assert "n_bytes" not in again


def test_the_taggers_words_are_the_published_ones(hub, tmp_path):
    """The real files, as the hub gives them, under their pinned checksums."""
    folder = Path(os.environ.get("DIFFICMH_PARITY", DEFAULT_FOLDER)) / "data"
    if not folder.is_dir():
        pytest.skip(f"no tag lists at {folder} (set DIFFICMH_PARITY)")
    names, thresholds = cards_of_rate(16)[2:4]
    for card in (names, thresholds):
        hub.files[address(card)] = (folder / Path(card.path).name).read_bytes()
        assert len(hub.files[address(card)]) == card.n_bytes
        fetch_from_hub(card, tmp_path, endpoint=hub.endpoint)
    vocabulary = load_vocabulary("ram", names.place(tmp_path))
    lines = thresholds.place(tmp_path).read_text(encoding="ascii").split()
    assert len(vocabulary) == len(lines) == RamConfig().n_tags == 4585
    assert sum(float(line) == 1 for line in lines) == 10  # never named

    hub.files[address(names)] = hub.files[address(names)][:-1] + b"x"
    names.forget(tmp_path)
    with pytest.raises(CheckpointError, match="was not downloaded"):
        fetch_from_hub(names, tmp_path, endpoint=hub.endpoint)


def test_what_is_absent_or_senseless_is_one_line(fetch, hub):
    code, said = fetch("sd21", "--rate", "8")
    assert code == 1
    assert "has no file" in said
    code, said = fetch("sd21", "--rate", "3")
    assert code == 1
    assert "Choose 2, 4, 8, 16, 32" in said
    code, said = fetch("sd21", "--rate", "16", "--bfloat16")
    assert code == 1
    assert "--stripped" in said
    hub.refusal = 500, ""
    code, said = fetch("sd21-training")
    assert code == 1
    assert "Run `python -m difficmh_core fetch sd21" in said
