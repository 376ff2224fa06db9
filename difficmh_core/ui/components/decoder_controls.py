"""The controls of a decoding: presets, advanced settings, start and stop."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from difficmh_core.config.decoding import CONTROL_NAMES, SETTINGS, DecodeSettings, controls_of
from difficmh_core.config.kinds import Choice, Control, Interval, Number, Seed, Setting
from difficmh_core.config.profiles import presets_of, profile_of
from difficmh_core.ui import texts
from difficmh_core.ui.components.hints import hints_of
from difficmh_core.ui.components.job_buttons import JobButtons
from difficmh_core.ui.runtime.events import LATEST, QUICK, Component, Values

CUSTOM_PRESET = "custom"
_PRESET_NAMES = [
    control.name for setting in SETTINGS if setting.is_preset for control in setting.controls
]
"""Names of the controls that a preset fills."""


class DecodeButtons(JobButtons):
    """Start and stop of a decoding, and whether what is shown has the settings of the controls.

    Attributes:
        outdated: Says that what is shown was made with others.
    """

    def __init__(self, prefix: str) -> None:
        """Draw the buttons inside the current layout; the prefix as of :class:`DecodePanel`."""
        super().__init__(prefix, texts.DECODE, start_id="decode", can_start=False)
        self.outdated: Component = gr.HTML(
            padding=False, visible=False, elem_id=f"{prefix}-outdated"
        )


class DecodePanel:
    """The controls of a decoding."""

    def __init__(
        self,
        prefix: str,
        profile: str,
        *,
        is_quick: bool = True,
        buttons: DecodeButtons | None = None,
    ) -> None:
        """Draw the controls inside the current layout.

        Args:
            prefix: Begins the ids of the elements, which differ between the tabs.
            profile: Whose presets are offered.
            is_quick: Whether decoding is quick enough to start automatically.
            buttons: Start and stop, where they stand elsewhere; ``None`` draws them here.
        """
        presets, default = presets_of(profile), profile_of(profile).default_preset
        hints = hints_of(profile)
        self.preset = gr.Radio(
            [(texts.PRESET_NAMES.get(name, name), name) for name in (*presets, CUSTOM_PRESET)],
            value=default,
            label=texts.PRESET,
            info=_joined(
                texts.preset_help({name: each.steps for name, each in presets.items()}),
                hints.get("steps"),
            ),
            elem_id=f"{prefix}-preset",
            elem_classes="preset",
        )
        with gr.Accordion(texts.ADVANCED, open=False, elem_id=f"{prefix}-advanced"):
            controls = _build_settings(presets[default], hints)
        self.settings = {name: controls[name] for name in CONTROL_NAMES}
        """The controls of ``DecodeSettings``, by their names."""
        self.auto = gr.Checkbox(
            is_quick, label=texts.AUTO, info=texts.AUTO_HELP, elem_id=f"{prefix}-auto"
        )
        self.buttons = buttons or DecodeButtons(prefix)
        self.outdated = self.buttons.outdated

        filled = [controls[name] for name in _PRESET_NAMES]
        script = _preset_script(presets)
        self.preset.input(None, [self.preset, *filled], filled, js=script, **QUICK)
        # Any change, however it comes about: a reset arrow of a slider is no input.
        gr.on(
            [control.change for control in filled],
            None,
            filled,
            self.preset,
            js=_name_script(presets),
            **QUICK,
            **LATEST,
        )

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
        so that a release ends nothing. So do fields that are left. ``keys.js`` lets keys release
        sliders.
        """
        controls = self.settings.values()
        released = [control.release for control in controls if isinstance(control, gr.Slider)]
        left = [control.blur for control in controls if isinstance(control, gr.Textbox)]
        return [*released, *left]

    def controls(self, values: Values) -> dict[str, Any]:
        """Name what the controls hold, unchecked."""
        return {name: values[control] for name, control in self.settings.items()}


def draw_buttons(prefix: str) -> JobButtons:
    """Draw start and stop of a decoding; the prefix as above."""
    return JobButtons(prefix, texts.DECODE, start_id="decode", can_start=False)


def _build_settings(initial: DecodeSettings, hints: Mapping[str, str]) -> dict[str, Component]:
    """Draw the controls: two settings in a row, then each interval in its own, then seeds.

    Args:
        initial: What they hold.
        hints: What else is said of some, by their names.
    """
    controls, held = dict[str, Component](), controls_of(initial)

    def draw(settings: Sequence[Setting]) -> None:
        for setting in settings:
            for control in setting.controls:
                words = _joined(control.help, hints.get(control.name))
                controls[control.name] = _draw_control(
                    setting, replace(control, help=words), held[control.name]
                )

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


def _joined(*sentences: str | None) -> str:
    return " ".join(filter(None, sentences))


def _preset_script(presets: Mapping[str, DecodeSettings]) -> str:
    """Write the browser's part of choosing a preset: it fills the controls at once."""
    return f"(preset, ...current) => ({_held_by(presets)})[preset] ?? current"


def _name_script(presets: Mapping[str, DecodeSettings]) -> str:
    """Write the browser's part of a change: the preset shown is the one that the controls hold."""
    return f"""(...current) => {{
      const presets = Object.entries({_held_by(presets)});
      const isHeld = values => values.every((value, index) => value === current[index]);
      return presets.find(([, values]) => isHeld(values))?.[0] ?? {json.dumps(CUSTOM_PRESET)};
    }}"""


def _held_by(presets: Mapping[str, DecodeSettings]) -> str:
    """Write, as JSON, what the controls hold with each preset."""
    values = {
        name: [controls_of(preset)[control] for control in _PRESET_NAMES]
        for name, preset in presets.items()
    }
    return json.dumps(values)
