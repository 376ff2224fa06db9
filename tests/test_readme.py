"""The README's Python runs as it is printed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_there_is_something_to_run():
    assert BLOCKS


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs(block, tmp_path, monkeypatch):
    from difficmh_core.models.nano import NANO_FOLDER
    from difficmh_core.weights.cache import default_cache_dir, is_cached
    from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO

    if not list(NANO_FOLDER.glob("*.safetensors")):
        pytest.skip(f"nano's weights are not in {NANO_FOLDER}")
    if not all(is_cached(card, default_cache_dir()) for card in (EFFICIENTNET_LITE0, YOLOX_NANO)):
        pytest.skip("the tagger's weights are absent; run `python -m difficmh_core fetch`")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert list(tmp_path.glob("*.png"))
