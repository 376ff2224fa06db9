"""``fetch tasks``: networks of machine tasks from a hub on this machine, checked on arrival."""

import json

import pytest

from difficmh_core.cli.main import main
from difficmh_core.weights import task_models
from difficmh_core.weights.hub import hub_path
from tests.hub_server import serving
from tests.tiny_task_models import address, tiny_files, tiny_model

NAMES = ("semantic", "depth")


@pytest.fixture
def hub(monkeypatch):
    """Serves two tiny networks in place of the published ones."""
    models = {name: tiny_model(name) for name in NAMES}
    monkeypatch.setattr(task_models, "TASK_MODELS", models)
    files = {
        address(card): tiny_files(name)[card.path]
        for name, model in models.items()
        for card in model.cards
    }
    with serving(files) as server:
        yield server


@pytest.fixture
def fetch(hub, tmp_path, capsys):
    def run(*words):
        where = ["--endpoint", hub.endpoint, "--cache-dir", str(tmp_path), "--json"]
        code = main(["fetch", *words, *where])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if code == 0 else captured.err

    return run


def test_one_task_arrives_and_is_not_fetched_again(fetch, hub, tmp_path):
    code, told = fetch("tasks", "semantic")
    assert code == 0
    model = task_models.TASK_MODELS["semantic"]
    assert told["files"] == [str(card.place(tmp_path)) for card in model.cards]
    assert told["n_bytes"] == {"tiny semantic": model.n_bytes}
    n_sent = len(hub.ranges)
    assert fetch("tasks", "semantic", "semantic")[0] == 0
    assert len(hub.ranges) == n_sent == len(model.cards)
    for card in model.cards:
        note = card.place(tmp_path).with_name(card.path.split("/")[-1] + ".checked")
        assert note.read_text().split()[1:] == [str(card.n_bytes), model.revision]


def test_no_name_means_all(fetch, tmp_path):
    code, told = fetch("tasks")
    assert code == 0
    assert set(told["n_bytes"]) == {"tiny semantic", "tiny depth"}
    for model in task_models.TASK_MODELS.values():
        assert all(hub_path(card, tmp_path) for card in model.cards)


def test_a_wrong_name_or_place_is_one_line(fetch):
    code, said = fetch("tasks", "smell")
    assert code == 1
    assert "no network of a task 'smell' to fetch. Choose from semantic, depth." in said
    code, said = fetch("nano", "depth")
    assert code == 1
    assert "Only `fetch tasks` takes names, but `fetch nano` got 'depth'" in said


def test_an_absent_file_says_what_works_without_it(fetch, hub):
    hub.refusal = 404, "EntryNotFound"
    code, said = fetch("tasks", "depth")
    assert code == 1
    assert "has no file config.json in revision" in said
    assert "Every other task works without it." in said
    assert "nano" not in said


def test_a_changed_file_is_found_before_it_counts_as_fetched(fetch, hub, tmp_path):
    assert fetch("tasks", "depth")[0] == 0
    path = task_models.TASK_MODELS["depth"].cards[-1].place(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    code, said = fetch("tasks", "depth")
    assert code == 1
    assert "Delete it and run `python -m difficmh_core fetch tasks depth`" in said
    path.unlink()
    assert fetch("tasks", "depth")[0] == 0
