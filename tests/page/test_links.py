"""Links: settings come back as they were, wrong ones are refused, pictures never travel."""

import threading

import gradio as gr
import pytest

from difficmh_core.config.decoding import SamplerName, controls_of
from difficmh_core.config.profiles import presets_of
from difficmh_core.ui.compress.links import LINK_KEYS, link_script, read_link
from difficmh_core.ui.runtime.gpu import (
    MAX_S,
    MIN_S,
    borrows_gpu,
    decode_duration_s,
    encode_duration_s,
    with_gpu,
)

PRESETS = presets_of("nano")


def test_a_preset_comes_back_by_its_name():
    for name, settings in PRESETS.items():
        query = {key: str(value) for key, value in controls_of(settings).items()}
        read = read_link(query, PRESETS, can_optimize=True)
        assert set(read) == {*LINK_KEYS, "preset"}
        assert read["preset"] == name
        assert read["steps"] == settings.steps
        assert SamplerName(read["sampler"]) is settings.sampler


def test_a_link_without_settings_changes_nothing():
    assert read_link({"__theme": "dark"}, PRESETS, can_optimize=True) == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"steps": "0"}, "steps must lie in"),
        ({"steps": "many"}, "steps must be a number"),
        ({"mode": "magic"}, "got 'magic'"),
        ({"sampler": "euler"}, "no sampler"),
        ({"mode": "size", "bytes": "0"}, "at least 1"),
        ({"iterations": "21"}, "0 to 20 iterations"),
        ({"iterations": "-1"}, "0 to 20 iterations"),
        ({"passes": "21"}, "0 to 20 iterations"),
        ({"quality": "1000"}, "quality must lie in"),
        ({"mode": "size", "bytes": "900", "quality": "nan"}, "quality must be a number"),
        ({"mode": "quality", "bytes": "abc"}, "target_bytes must be a number"),
        ({"mode": "quality", "bytes": "-3"}, "at least 1"),
        ({"steps": "1_0"}, "steps must be a number"),
        ({"steps": "\uff13"}, "steps must be a number"),
        ({"start": "1e999"}, "start must be a number"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(query, words):
    with pytest.raises(gr.Error, match=words):
        read_link(query, PRESETS, can_optimize=True)


def test_networks_that_cannot_optimize_refuse_iterations_and_nothing_else():
    query = {"iterations": "0", "steps": "3"}
    assert read_link(query, PRESETS, can_optimize=False)["steps"] == 3
    with pytest.raises(gr.Error, match="not available"):
        read_link({"iterations": "1"}, PRESETS, can_optimize=False)


def test_an_old_link_says_passes_and_a_new_one_iterations():
    assert read_link({"passes": "3"}, PRESETS, can_optimize=True)["iterations"] == 3
    both = {"iterations": "2", "passes": "3"}
    assert read_link(both, PRESETS, can_optimize=True)["iterations"] == 2
    assert "passes" not in LINK_KEYS
    assert '["passes"].forEach(key => link.searchParams.delete(key))' in link_script(LINK_KEYS)


def test_no_key_of_a_link_holds_a_picture_or_its_tags():
    assert not {"photo", "file", "session", "words"} & set(LINK_KEYS)


def test_a_gpu_is_asked_for_as_long_as_steps_and_size_need():
    few, many = (decode_duration_s(PRESETS[name], 16_000_000) for name in ("instant", "paper"))
    assert MIN_S <= few < many <= MAX_S
    assert decode_duration_s(PRESETS["paper"], 100_000) == MIN_S
    assert MIN_S == encode_duration_s(0, 4_000_000) < encode_duration_s(20, 4_000_000) <= MAX_S


def test_without_the_package_events_run_on_the_models_thread():
    assert not borrows_gpu()
    name = with_gpu(lambda: threading.current_thread().name)()
    assert name.startswith("model")
