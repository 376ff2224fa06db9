"""Every program finds fetched weights in the folder that the environment names."""

from pathlib import Path

import pytest

from benchmarks import side_by_side
from difficmh_core._support.cache_folder import CACHE_VARIABLE, cache_folder
from difficmh_core.cli.main import main
from difficmh_core.errors import ConfigError
from difficmh_core.models import load
from difficmh_core.ui import showcase
from difficmh_core.ui.arguments import parse_arguments


class Asked(list):
    """Stands for what loads weights, notes the folder, and ends the program."""

    def __call__(self, *_, cache_dir, **__):
        self.append(cache_dir)
        raise ConfigError("Asked.")


@pytest.fixture
def named(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "named"))
    return tmp_path / "named"


def asked_by(monkeypatch, place, *words):
    asked = Asked()
    monkeypatch.setattr(place, asked)
    assert main([str(word) for word in words]) == 1
    return asked


def test_without_a_name_it_is_the_default():
    default = Path.home() / ".cache" / "difficmh"
    assert cache_folder({}) == cache_folder({CACHE_VARIABLE: ""}) == default


def test_the_library(monkeypatch, named):
    asked = Asked()
    monkeypatch.setattr(load, "load_tiny", lambda _, folder: asked(cache_dir=folder))
    for given in (None, named / "other"):
        with pytest.raises(ConfigError, match="Asked"):
            load.load_codec("tiny", cache_dir=given)
    assert asked == [named, named / "other"]


def test_encode_decode_and_verify(monkeypatch, named, photo, tiny_file, tmp_path):
    place = "difficmh_core.models.load.load_codec"
    commands = [
        ("encode", photo, tmp_path / "a.dicmh"),
        ("decode", tiny_file, tmp_path / "a.png"),
        ("verify", tiny_file),
    ]
    for words in commands:
        assert asked_by(monkeypatch, place, *words) == [named]
        option = asked_by(monkeypatch, place, *words, "--cache-dir", tmp_path / "other")
        assert option == [tmp_path / "other"]


def test_fetch(monkeypatch, named):
    asked = []
    monkeypatch.setattr(
        "difficmh_core.weights.cache.fetch_all", lambda _, folder, **__: asked.append(folder) or []
    )
    assert main(["fetch"]) == 0
    assert asked == [named]


def test_compare_and_evaluate(monkeypatch, named, photo):
    place = "difficmh_core.cli.codecs.load_codec"
    only_ours = ("--codecs", "tiny-instant", "--metrics", "none", "--tasks", "none")
    assert asked_by(monkeypatch, place, "compare", photo, *only_ours) == [named]
    words = ("evaluate", photo.parent, "--out", photo.parent / "out", "--set-metrics", "none")
    assert asked_by(monkeypatch, place, *words, *only_ours) == [named]


def test_train(monkeypatch, named, tmp_path):
    words = ("train", "latents", "--photos", tmp_path)
    assert asked_by(monkeypatch, "difficmh_core.training.recipe.Recipe", *words) == [named]


def test_the_page(named):
    assert parse_arguments([], {CACHE_VARIABLE: str(named)}).cache_dir == named


def test_the_showcase(monkeypatch, named):
    asked = Asked()
    monkeypatch.setattr(showcase, "load_codec", asked)
    monkeypatch.setattr("sys.argv", ["showcase"])
    assert showcase.main() == 1
    assert asked == [named]


def test_benchmarks(monkeypatch, named, photo, tmp_path):
    asked = Asked()
    monkeypatch.setattr(side_by_side, "load_codec", asked)
    monkeypatch.setattr("sys.argv", ["side_by_side", str(tmp_path / "sheet.png"), str(photo)])
    with pytest.raises(ConfigError, match="Asked"):
        side_by_side.main()
    assert asked == [named]
