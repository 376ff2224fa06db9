"""The result that the page shows before anything is asked for."""

import json

import numpy as np
import pytest
from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.profiles import preset_of, profile_of
from difficmh_core.models.load import load_codec
from difficmh_core.models.model_key import model_key
from difficmh_core.ui.compress.first_example import (
    CODED,
    DECODED,
    FACTS,
    FOLDER,
    read_first_example,
)
from difficmh_core.ui.compress.texts import EXAMPLE_WORDS
from difficmh_core.ui.page import build_page
from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.showcase import example_photos
from tests.first_example import write

MOST_BYTES = 120_000
OUTDATED = (
    "The weights have changed: run `python -m tests.first_example`, and look at the picture."
)


@pytest.fixture(scope="module")
def facts():
    return json.loads((FOLDER / FACTS).read_text())


def test_it_is_small_and_made_with_what_a_visitor_gets(facts):
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST_BYTES
    assert (facts["profile"], facts["preset"]) == ("nano", profile_of("nano").default_preset)
    assert facts["photo"] in {path.name for path in example_photos()}
    assert set(facts["values"]) == {"psnr_db", "lpips_alex", "dists"}


@pytest.mark.slow
def test_it_is_what_the_weights_of_this_repository_make(facts):
    codec = load_codec("nano")
    assert facts["model"] == model_key(codec), OUTDATED
    data = (FOLDER / CODED).read_bytes()
    codec.verify(data)
    decoded = codec.decode_image(data, preset_of("nano", facts["preset"]))
    with Image.open(FOLDER / DECODED) as shown:
        difference = np.asarray(shown.convert("RGB"), float) - np.asarray(decoded, float)
    psnr_db = 10 * np.log10(255**2 / np.mean(difference**2))
    assert psnr_db > 36, OUTDATED


def test_it_is_served_for_good_and_only_for_its_profile(tmp_path):
    files = ServedFiles(tmp_path, examples=example_photos(), keep_s=-60)
    first = read_first_example(files, "nano")
    files.sweep()
    assert (tmp_path / first.result.picture).is_file()
    assert first.stream.n_bytes == first.result.n_bytes
    assert read_first_example(files, "sd21") is None
    assert read_first_example(ServedFiles(tmp_path), "nano") is None


def test_every_example_has_its_words_and_those_that_fail_are_named():
    assert {path.stem for path in example_photos()} == set(EXAMPLE_WORDS)
    failing = {name for name, words in EXAMPLE_WORDS.items() if words.endswith("(fails)")}
    assert failing == {"letters", "astronaut"}
    facts = json.loads((FOLDER / FACTS).read_text())
    assert facts["photo"].partition(".")[0] not in failing


def test_the_page_begins_with_it(codec, cache_dir, photos, tmp_path):
    write(codec, photos["wide"], tmp_path / "first", cache_folder())
    page = build_page(codec, examples=[photos["wide"]], first_example=tmp_path / "first")
    shown = {
        part["props"].get("elem_id"): str(part["props"].get("value"))
        for part in page.demo.get_config_file()["components"]
    }
    assert 'data-mode="slider"' in shown["pictures"]
    assert "decoded.webp" in shown["pictures"]
    assert "smaller than the raw pixels" in shown["facts"]
    assert "dB" in shown["status"]
