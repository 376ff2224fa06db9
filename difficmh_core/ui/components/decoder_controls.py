"""The controls of a decoding: presets, advanced settings, start and stop."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ImageData

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.presets import presets_of
from difficmh_core.ui import texts

__all__ = ["MODEL", "QUICK", "DecodePanel", "after_all", "build_decode_panel", "take_as_given"]

START_PRESET = "fast"
CUSTOM_PRESET = "custom"
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Events that only change what is shown."""
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
"""All heavy events wait in one queue for the one model."""


def after_all(event: Any, show: Callable[..., Any], inputs: Any, outputs: Any) -> None:  # noqa: ANN401
    """Show something once an event has ended; one that fails has no ``then``."""
    for after in (event.then, event.failure):
        after(show, inputs, outputs, **QUICK)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodePanel:
    """The controls of a decoding.

    Attributes:
        preset: Fills the settings.
        settings: The components of ``DecodeSettings``, in the order of ``Controls``.
        auto: Whether decoding starts by itself.
        decode: Starts.
        stop: Stops within one step.
    """

    preset: gr.Radio
    settings: Sequence[gr.components.Component]
    auto: gr.Checkbox
    decode: gr.Button
    stop: gr.Button

    @property
    def choices(self) -> list[Any]:
        """What a visitor does that ends a running decoding and asks for another."""
        _, _, sampler, seed, *_ = self.settings
        return [self.preset.input, sampler.input, seed.submit]

    @property
    def releases(self) -> list[Any]:
        """What a visitor does that asks for another decoding, perhaps.

        Sliders tell a release when their number loses the focus, too: on the way to a button, say,
        so that a release ends nothing.
        """
        steps, guidance, _, _, *others = self.settings
        return [slider.release for slider in (steps, guidance, *others)]


def take_as_given(*components: gr.components.Component) -> None:
    """Hand over what a visitor enters unchecked, so that the core judges it, in its own words.

    Gradio's own checks stop an event before it starts, with messages that name no setting. This
    is set on instances: beside the source of a subclass, Gradio would write a stub file.
    """
    for component in components:
        component.preprocess = _as_given


def _as_given(value: object) -> object:
    """Return an input as it came; a file as its path."""
    return value.path if isinstance(value, FileData | ImageData) else value


def build_decode_panel(prefix: str, profile: str, *, is_quick: bool = True) -> DecodePanel:
    """Draw the controls inside the current layout.

    Args:
        prefix: Begins the ids of the elements, which differ between the tabs.
        profile: Whose presets are offered.
        is_quick: Whether decoding is quick enough to start by itself.
    """
    presets = presets_of(profile)
    initial = presets[START_PRESET]
    preset = gr.Radio(
        [(texts.PRESET_NAMES.get(name, name), name) for name in (*presets, CUSTOM_PRESET)],
        value=START_PRESET,
        label=texts.PRESET,
        info=texts.PRESET_HELP,
        elem_id=f"{prefix}-preset",
        elem_classes="preset",
    )
    with gr.Accordion(texts.ADVANCED, open=False, elem_id=f"{prefix}-advanced"):
        with gr.Row():
            steps = gr.Slider(
                1, 100, initial.steps, step=1, label=texts.STEPS, info=texts.STEPS_HELP
            )
            guidance = gr.Slider(
                1,
                15,
                initial.guidance_scale,
                step=0.1,
                label=texts.GUIDANCE,
                info=texts.GUIDANCE_HELP,
            )
        with gr.Row():
            start = gr.Slider(
                0.05, 1, initial.start, step=0.05, label=texts.START, info=texts.START_HELP
            )
            realism = gr.Slider(
                0, 1, initial.realism, step=0.05, label=texts.REALISM, info=texts.REALISM_HELP
            )
        with gr.Row():
            control = gr.Slider(
                0,
                2,
                initial.control_scale,
                step=0.05,
                label=texts.CONTROL,
                info=texts.CONTROL_HELP,
            )
            sampler = gr.Dropdown(
                [(texts.SAMPLER_NAMES[name.value], name.value) for name in SamplerName],
                value=initial.sampler.value,
                label=texts.SAMPLER,
                info=texts.SAMPLER_HELP,
            )
        with gr.Row():
            low, high = (
                gr.Slider(0, 1, value, step=0.01, label=label, info=help_text)
                for value, label, help_text in zip(
                    initial.guidance_interval,
                    (texts.GUIDANCE_LOW, texts.GUIDANCE_HIGH),
                    (texts.GUIDANCE_LOW_HELP, texts.GUIDANCE_HIGH_HELP),
                    strict=True,
                )
            )
        # A number field would show 0 where there is no seed, and send it.
        seed = gr.Textbox(
            "", placeholder=texts.SEED_PLACEHOLDER, label=texts.SEED, info=texts.SEED_HELP
        )
    auto = gr.Checkbox(is_quick, label=texts.AUTO, info=texts.AUTO_HELP, elem_id=f"{prefix}-auto")
    with gr.Row(elem_classes="actions"):
        decode = gr.Button(
            texts.DECODE,
            variant="primary",
            interactive=False,
            min_width=120,
            elem_id=f"{prefix}-decode",
        )
        stop = gr.Button(
            texts.STOP,
            variant="stop",
            interactive=False,
            min_width=120,
            elem_id=f"{prefix}-stop",
        )

    preset_settings = [steps, guidance, sampler, start, realism, control, low, high]
    preset.input(
        None, [preset, *preset_settings], preset_settings, js=_preset_script(presets), **QUICK
    )
    gr.on(
        [setting.input for setting in preset_settings],
        None,
        outputs=preset,
        js=f"() => {json.dumps(CUSTOM_PRESET)}",
        **QUICK,
    )
    settings = [steps, guidance, sampler, seed, start, realism, control, low, high]
    take_as_given(*settings)
    return DecodePanel(preset=preset, settings=settings, auto=auto, decode=decode, stop=stop)


def _preset_script(presets: Mapping[str, DecodeSettings]) -> str:
    """Return the browser's part of choosing a preset: it fills the controls at once."""
    values = {
        name: [
            preset.steps,
            preset.guidance_scale,
            preset.sampler.value,
            preset.start,
            preset.realism,
            preset.control_scale,
            *preset.guidance_interval,
        ]
        for name, preset in presets.items()
    }
    return f"(preset, ...current) => ({json.dumps(values)})[preset] ?? current"
