"""The examples of the README and the guides run as they are printed."""

import argparse
import importlib
import re
import sys
from functools import cache

import pytest
from PIL import Image

from tests.documents import GUIDES, ROOT, blocks, commands, name_of

PAGE_ADDRESS = "http://127.0.0.1:7860"
RUN = {"encode", "decode", "info", "verify", "study"}
"""What runs for real; others are only parsed, like those for the published system or a cluster."""
SMALL = {
    "compare": "--codecs jpeg webp --metrics psnr_db --tasks none",
    "evaluate": "--codecs jpeg webp --metrics psnr_db --tasks none --set-metrics none --limit 1",
}
"""With what examples of comparisons run: without networks."""
PYTHON = [
    pytest.param(code, id=f"{name_of(path)}-{number}")
    for path in GUIDES
    for number, code in enumerate(blocks(path, "python"))
]
COMPARISONS = [
    pytest.param(words, id=f"{name_of(path)}: {' '.join(words)}")
    for path in GUIDES
    for words in commands(path)
    if words[0] == "difficmh" and words[1] in SMALL and "--annotations" not in words
]
COMMANDS = [
    pytest.param(words, id=f"{name_of(path)}: {' '.join(words)}")
    for path in GUIDES
    for words in commands(path)
]


class _ParsedError(Exception):
    """A command was understood."""


@pytest.fixture(scope="session")
def load_once():
    """Load each codec once for all examples, which takes a second or two."""
    from difficmh_core.models.load import load_codec

    return cache(load_codec)


@pytest.fixture
def folder(tmp_path, monkeypatch, load_once):
    """A folder to work in, with small copies of the example photographs."""
    from difficmh_core._support.cache_folder import cache_folder
    from difficmh_core.weights.cache import is_cached
    from difficmh_core.weights.cards import PACKAGE_CARDS
    from difficmh_core.weights.network_card import NANO_FOLDER

    if not list(NANO_FOLDER.glob("*.safetensors")):
        pytest.skip(f"nano's weights are not in {NANO_FOLDER}")
    if not all(is_cached(card, cache_folder()) for card in PACKAGE_CARDS):
        pytest.skip("weights are absent; run `python -m difficmh_core fetch`")
    monkeypatch.setattr("difficmh_core.models.load.load_codec", load_once)
    (tmp_path / "examples").mkdir()
    for path in (ROOT / "examples").glob("*.png"):
        with Image.open(path) as photo:
            photo.crop((100, 50, 228, 146)).save(tmp_path / "examples" / path.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_python(code):
    """Run a block as a program of its own."""
    exec(compile(code, "example", "exec"), {})


def program_of(words):
    """The function that runs a command of ours, its module, and the words for it.

    Returns:
        ``None`` for programs of others.
    """
    match words:
        case ["difficmh", *rest] | ["python", "-m", "difficmh_core", *rest]:
            module = "difficmh_core.cli.main"
        case ["difficmh-page", *rest] | ["python", "app.py", *rest]:
            module = "difficmh_core.ui.main"
        case ["python", "-m", "torch.distributed.run", *launcher]:
            return program_of(["python", *launcher[launcher.index("-m") :]])
        case ["python", "-m", module, *rest]:
            pass
        case _:
            return None
    return importlib.import_module(module).main, module, rest


def run_command(words, monkeypatch):
    """Run a command of ours in this process; return its exit code."""
    main, module, rest = program_of(words)
    if module == "difficmh_core.cli.main":
        return main(rest)
    monkeypatch.setattr(sys, "argv", [module, *rest])
    return main()


def test_there_are_examples():
    assert {path for path in GUIDES if blocks(path, "sh")} >= {ROOT / "README.md"}
    assert len(PYTHON) >= 3
    assert len(COMMANDS) >= 30
    assert len(COMPARISONS) >= 5
    assert any(PAGE_ADDRESS in code.values[0] for code in PYTHON)


@pytest.mark.slow
@pytest.mark.parametrize("code", [each for each in PYTHON if PAGE_ADDRESS not in each.values[0]])
def test_a_python_example_runs(code, folder):
    run_python(code)
    assert ("write_png" in code) == bool(list(folder.glob("*.png")))


@pytest.mark.parametrize("code", [each for each in PYTHON if PAGE_ADDRESS in each.values[0]])
def test_a_program_can_call_the_page(code, page_url, folder):
    run_python(code.replace(PAGE_ADDRESS, page_url))


@pytest.mark.slow
@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_commands_run_in_their_order(path, folder, monkeypatch):
    for words in commands(path):
        if (
            words[0] == "difficmh"
            and words[1] in RUN
            and "sd21" not in words
            and "cuda" not in words
            and "--ray" not in words
        ):
            assert run_command(words, monkeypatch) == 0, words


@pytest.mark.slow
@pytest.mark.parametrize("words", COMPARISONS)
def test_a_comparison_runs(words, folder, monkeypatch, capsys):
    (folder / "examples").replace(folder / "PHOTOS")
    (folder / "examples").symlink_to("PHOTOS")
    assert run_command([*words, *SMALL[words[1]].split()], monkeypatch) == 0
    shown, written = capsys.readouterr().out, {path.name for path in folder.rglob("*.*")}
    assert "jpeg" in shown.lower()
    assert {word for word in words if word.endswith(".png") and "/" not in word} <= written


@pytest.mark.slow
def test_python_and_the_command_line_give_the_same_picture(folder, monkeypatch):
    readme = ROOT / "README.md"
    for code in blocks(readme, "python"):
        run_python(code)
    written = [folder / "cat.dicmh", folder / "decoded.png"]
    by_python = [path.read_bytes() for path in written]
    for wanted in ("encode", "decode"):  # the first of each: later ones show other settings
        words = next(words for words in commands(readme) if words[:2] == ["difficmh", wanted])
        assert run_command(words, monkeypatch) == 0
    assert by_python == [path.read_bytes() for path in written]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_understood(words, monkeypatch):
    if words[0] == "make":
        targets, variables = (
            set(re.findall(pattern, (ROOT / "Makefile").read_text(), re.MULTILINE))
            for pattern in (r"^([a-z-]+):", r"^([A-Z_]+) \?=")
        )
        named = [word.partition("=")[0] for word in words[1:]]
        assert all(name in targets | variables for name in named)
    elif program_of(words) is None:
        assert words[0] in {"git", "cd", "docker", "pip", "ray"}, "an example that nothing checks"
    elif "--help" not in words:
        parse = argparse.ArgumentParser.parse_args

        def parse_only(self, *args, **kwargs):
            parse(self, *args, **kwargs)
            raise _ParsedError

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        with pytest.raises(_ParsedError):
            run_command(words, monkeypatch)
