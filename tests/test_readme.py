"""The README's Python runs as it is printed, and gives what its commands give."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^(?:python -m difficmh_core|difficmh) ((?:en|de)code .*)$", README, re.M)


def test_there_is_something_to_run():
    assert BLOCKS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with the examples and a photograph."""
    from difficmh_core.models.load import NANO_FOLDER
    from difficmh_core.weights.cache import default_cache_dir, is_cached
    from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO

    if not list(NANO_FOLDER.glob("*.safetensors")):
        pytest.skip(f"nano's weights are not in {NANO_FOLDER}")
    if not all(is_cached(card, default_cache_dir()) for card in (EFFICIENTNET_LITE0, YOLOX_NANO)):
        pytest.skip("the tagger's weights are absent; run `python -m difficmh_core fetch`")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(block):
    exec(compile(block, "README.md", "exec"), {})


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs(block, folder):
    run(block)
    assert list(folder.glob("*.png"))


@pytest.mark.slow
def test_python_and_the_commands_give_the_same_picture(folder):
    from difficmh_core.cli.main import main

    run(BLOCKS[0])
    (picture,) = folder.glob("*.png")
    expected = picture.read_bytes()
    picture.unlink()
    encode, decode = (shlex.split(command, comments=True) for command in COMMANDS[:2])
    (photo,) = re.findall(r'read_image\("(.*?)"\)', BLOCKS[0])
    if not Path(encode[1]).exists():  # the README's own name for any photograph
        shutil.copy(photo, encode[1])
    assert [main(encode), main(decode)] == [0, 0]
    assert Path(decode[2]).read_bytes() == expected
