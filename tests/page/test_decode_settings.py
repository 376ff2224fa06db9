"""A decoding setting is declared once, and shows wherever a user can set or read it."""

import inspect
import json
import subprocess
import sys
from dataclasses import replace

import gradio as gr
import pytest

from difficmh_core.cli.coding import settings_of
from difficmh_core.cli.main import build_parser
from difficmh_core.config.decoding import (
    CONTROL_NAMES,
    SETTINGS,
    SamplerName,
    controls_of,
    options_of,
)
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import ConfigError
from difficmh_core.ui.api import Endpoints, with_settings
from difficmh_core.ui.components.decoder_controls import DecodePanel
from difficmh_core.ui.compress.links import LINK_KEYS
from difficmh_core.ui.runtime.requests import read_settings

UNUSUAL = replace(
    preset_of("nano"),
    steps=7,
    guidance_scale=2.3,
    guidance_interval=(0.125, 0.1 + 0.2),
    sampler=SamplerName.DPM_SOLVER,
    seed=2**63 - 1,
    start=1e-7,
    realism=0.35,
    control_scale=1.15,
)
"""No value is that of a preset."""

WITH_ONE_MORE = """
import dataclasses, inspect, json
from typing import Annotated

from difficmh_core.config import decoding
from difficmh_core.config.kinds import Number, declared_in

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DecodeSettings(decoding.DecodeSettings):
    trial: Annotated[
        float,
        Number(
            option="--trial", low=0.0, high=1.0, step=0.1, label="A trial",
            help="What the page says.", summary="What programs are told, {low} to {high}",
        ),
    ] = 0.0

decoding.DecodeSettings = DecodeSettings
decoding.SETTINGS = declared_in(DecodeSettings)
decoding.CONTROL_NAMES = (*decoding.CONTROL_NAMES, "trial")

from tests.page.test_decode_settings import shown
print(json.dumps(shown(), default=str))
"""
"""A program whose table holds one setting more, from before anything else reads the table."""


def decode_help():
    (commands,) = build_parser()._subparsers._group_actions
    return " ".join(commands.choices["decode"].format_help().split())


def panel():
    with gr.Blocks():
        return DecodePanel("x", "nano")


def endpoint():
    return with_settings(Endpoints.decode)


def shown():
    """What every place shows of the settings."""
    words = ["decode", "a", "b", "--trial", "0.5"]
    tried = settings_of(build_parser().parse_args(words), "nano")
    return {
        "help": decode_help(),
        "controls": {control.label: control.info for control in panel().settings.values()},
        "endpoint": list(inspect.signature(endpoint()).parameters),
        "docstring": endpoint().__doc__,
        "link": LINK_KEYS,
        "read": read_settings(controls_of(tried)) == tried,
        "command": options_of(tried),
        "report": tried.as_dict(),
        "names": [repr(tried), repr(preset_of("nano"))],
    }


def test_a_new_setting_shows_everywhere():
    words = [sys.executable, "-c", WITH_ONE_MORE]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "--trial TRIAL what programs are told, 0 to 1 " in told["help"]
    assert told["controls"]["A trial"] == "What the page says."
    assert told["endpoint"][-1] == "trial"
    words = "\n    trial: What programs are told, 0 to 1; -1 takes the preset's."
    assert told["docstring"].endswith(words)
    assert told["link"][-1] == "trial"
    assert told["report"]["trial"] == 0.5
    assert ["trial" in name for name in told["names"]] == [True, False]
    assert told["read"]
    assert told["command"][-2:] == ["--trial", "0.5"]


def test_every_setting_has_its_option_control_and_key():
    words = decode_help()
    for setting in SETTINGS:
        assert setting.option in words
        assert setting.option_help in words
    drawn = panel().settings
    controls = {control.name: control for setting in SETTINGS for control in setting.controls}
    assert drawn.keys() == controls.keys()
    for name, control in controls.items():
        assert (drawn[name].label, drawn[name].info) == (control.label, control.help)
    values = {name: item.value for name, item in drawn.items()}
    assert values == controls_of(preset_of("nano"))
    assert LINK_KEYS[-len(CONTROL_NAMES) :] == CONTROL_NAMES
    assert [setting.name for setting in SETTINGS if not setting.is_preset] == ["seed"]


def test_the_keys_of_links_stay():
    """A link that someone kept holds these; an unknown key would be ignored without a word.

    There may be more, also between them: intervals stand last.
    """
    kept = [
        *("mode", "quality", "bytes", "tags", "iterations", "steps", "guidance_scale", "sampler"),
        *("seed", "start", "realism", "control_scale", "guidance_low", "guidance_high"),
    ]
    assert [key for key in LINK_KEYS if key in kept] == kept


def test_the_name_of_settings_stays():
    """Kept results and measured rows are named by a digest of it."""
    assert repr(UNUSUAL) == (
        "DecodeSettings(steps=7, guidance_scale=2.3, "
        "guidance_interval=(0.125, 0.30000000000000004), "
        "sampler=<SamplerName.DPM_SOLVER: 'dpm-solver++'>, seed=9223372036854775807, "
        "control_scale=1.15, start=1e-07, realism=0.35)"
    )


def test_the_command_in_a_report_means_exactly_the_settings():
    for settings in (UNUSUAL, preset_of("sd21"), preset_of("nano", "paper")):
        words = ["decode", "a.dicmh", "a.png", "--preset", "instant", *options_of(settings)]
        assert settings_of(build_parser().parse_args(words), "nano") == settings


def test_controls_are_read_as_they_were_filled():
    held = controls_of(UNUSUAL)
    assert read_settings(held) == UNUSUAL
    assert held["seed"] == str(2**63 - 1)
    with pytest.raises(ConfigError, match="guidance_low must be a number, got 'x'"):
        read_settings(held | {"guidance_low": "x"})
