"""The README's front matter: what a Hugging Face Space is told, against what is installed."""

import re
import tomllib

import gradio
import pytest

from tests.constraints import ROOT
from tests.space_settings import front_matter

COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
MOST_CHARACTERS = 60
"""Of the short description, by the hub."""


def test_the_space_asks_for_the_gradio_that_is_installed():
    assert front_matter()["sdk"] == "gradio"
    assert front_matter()["sdk_version"] == gradio.__version__


def test_the_space_asks_for_a_python_that_the_project_supports_and_tests():
    version = front_matter()["python_version"]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert isinstance(version, str), "without quotes, 3.10 would be 3.1"
    least = settings["project"]["requires-python"].removeprefix(">=")
    assert [int(part) for part in version.split(".")] >= [int(part) for part in least.split(".")]
    assert version in (ROOT / "constraints.txt").read_text(encoding="utf-8").split("Linux")[0]


def test_the_space_starts_the_page():
    text = (ROOT / front_matter()["app_file"]).read_text(encoding="utf-8")
    assert "difficmh_core.ui.main" in text


@pytest.mark.parametrize("name", ["colorFrom", "colorTo"])
def test_the_space_has_colors_that_the_hub_knows(name):
    assert front_matter()[name] in COLORS


def test_the_space_is_described_in_the_hubs_terms():
    settings = front_matter()
    assert settings["license"] == "apache-2.0"
    assert 0 < len(settings["short_description"]) <= MOST_CHARACTERS
    assert not re.search(r"\w", settings["emoji"])
