"""The controls of a decoding: presets, advanced settings, start and stop."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from difficmh_core.config.decoding import CONTROL_NAMES, SETTINGS, DecodeSettings, controls_of
from difficmh_core.config.kinds import Choice, Control, Interval, Number, Seed, Setting
from difficmh_core.config.profiles import DEFAULT_PRESET, presets_of
from difficmh_core.ui import texts
from difficmh_core.ui.components.job_buttons import JobButtons
from difficmh_core.ui.runtime.events import QUICK, Component, Values, take_as_given

CUSTOM_PRESET = "custom"
_PRESET_NAMES = [
    control.name for setting in SETTINGS if setting.is_preset for control in setting.controls
]
"""Names of the controls that a preset fills."""


class DecodePanel:
    """The controls of a decoding."""

    def __init__(self, prefix: str, profile: str, *, is_quick: bool = True) -> None:
        """Draw the controls inside the current layout.

        Args:
            prefix: Begins the ids of the elements, which differ between the tabs.
            profile: Whose presets are offered.
            is_quick: Whether decoding is quick enough to start automatically.
        """
        presets = presets_of(profile)
        self.preset = gr.Radio(
            [(texts.PRESET_NAMES.get(name, name), name) for name in (*presets, CUSTOM_PRESET)],
            value=DEFAULT_PRESET,
            label=texts.PRESET,
            info=texts.preset_help(profile, {name: each.steps for name, each in presets.items()}),
            elem_id=f"{prefix}-preset",
            elem_classes="preset",
        )
        with gr.Accordion(texts.ADVANCED, open=False, elem_id=f"{prefix}-advanced"):
            controls = _build_settings(presets[DEFAULT_PRESET])
        self.settings = {name: controls[name] for name in CONTROL_NAMES}
        """The controls of ``DecodeSettings``, by their names."""
        self.auto = gr.Checkbox(
            is_quick, label=texts.AUTO, info=texts.AUTO_HELP, elem_id=f"{prefix}-auto"
        )
        self.buttons = JobButtons(prefix, texts.DECODE, start_id="decode", can_start=False)

        filled = [controls[name] for name in _PRESET_NAMES]
        script = _preset_script(presets)
        self.preset.input(None, [self.preset, *filled], filled, js=script, **QUICK)
        gr.on(
            [control.input for control in filled],
            None,
            outputs=self.preset,
            js=f"() => {json.dumps(CUSTOM_PRESET)}",
            **QUICK,
        )
        take_as_given(*self.settings.values())

    @property
    def choices(self) -> list[Any]:
        """What a visitor does that ends a running decoding and asks for another."""
        controls = self.settings.values()
        inputs = [control.input for control in controls if isinstance(control, gr.Dropdown)]
        submits = [control.submit for control in controls if isinstance(control, gr.Textbox)]
        return [self.preset.input, *inputs, *submits]

    @property
    def releases(self) -> list[Any]:
        """What a visitor does that asks for another decoding, perhaps.

        Sliders tell a release when their number loses the focus, too: on the way to a button, say,
        so that a release ends nothing.
        """
        controls = self.settings.values()
        return [control.release for control in controls if isinstance(control, gr.Slider)]

    def controls(self, values: Values) -> dict[str, Any]:
        """Name what the controls hold, unchecked."""
        return {name: values[control] for name, control in self.settings.items()}


def _build_settings(initial: DecodeSettings) -> dict[str, Component]:
    """Draw the controls: two settings in a row, then each interval in its own, then seeds."""
    controls, held = dict[str, Component](), controls_of(initial)

    def draw(settings: Sequence[Setting]) -> None:
        for setting in settings:
            for control in setting.controls:
                controls[control.name] = _draw_control(setting, control, held[control.name])

    numbers, choices, intervals, seeds = (
        [setting for setting in SETTINGS if isinstance(setting, kind)]
        for kind in (Number, Choice, Interval, Seed)
    )
    paired = [*numbers, *choices]
    pairs = [paired[index : index + 2] for index in range(0, len(paired), 2)]
    for row in (*pairs, *([interval] for interval in intervals)):
        with gr.Row():
            draw(row)
    draw(seeds)
    return controls


def _draw_control(setting: Setting, control: Control, value: Any) -> Component:  # noqa: ANN401 (as each kind holds)
    words: dict[str, Any] = {"label": control.label, "info": control.help}
    match setting:
        case Number():
            low, high = setting.slider or (setting.low, setting.high)
            return gr.Slider(low, high, value, step=setting.step, **words)
        case Choice():
            names = [(label, str(name)) for name, label in setting.labels.items()]
            return gr.Dropdown(names, value=value, **words)
        case Seed():
            # A number field would show 0 where there is no seed, and send it.
            return gr.Textbox(value, placeholder=setting.placeholder, **words)
        case Interval():
            return gr.Slider(0, 1, value, step=setting.step, **words)
    raise TypeError(f"The page has no control for {setting}.")


def _preset_script(presets: Mapping[str, DecodeSettings]) -> str:
    """Write the browser's part of choosing a preset: it fills the controls at once."""
    values = {
        name: [controls_of(preset)[control] for control in _PRESET_NAMES]
        for name, preset in presets.items()
    }
    return f"(preset, ...current) => ({json.dumps(values)})[preset] ?? current"
