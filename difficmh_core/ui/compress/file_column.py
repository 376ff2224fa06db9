"""The left side of the compress tab: the photograph, and what its file shall hold."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui.compress import texts
from difficmh_core.ui.runtime.events import QUICK, Component, Updates, Values, take_as_given
from difficmh_core.ui.runtime.requests import (
    BY_QUALITY,
    BY_SIZE,
    CODING_DEFAULTS,
    MOST_ITERATIONS,
    CodingRequest,
    read_request,
)

MAX_EXAMPLES = 6


class FileColumn:
    """The components that decide what the file holds."""

    def __init__(self, codec: DiffICMHCodec, examples: Sequence[str]) -> None:
        """Draw the column inside the current layout.

        Args:
            codec: Whose settings are offered.
            examples: Names of served photographs, for visitors who have none at hand.
        """
        config, names = codec.config, codec.vocabulary.names
        has_rates = config.rate is None
        mode, quality, n_bytes, has_tags, n_iterations = CODING_DEFAULTS.values()
        self.photo = gr.Image(
            label=texts.PHOTO,
            format="png",
            sources=["upload", "clipboard", "webcam"],
            type="filepath",
            placeholder=texts.PHOTO_PLACEHOLDER,
            alt_text=texts.PHOTO_ALT,
            buttons=["fullscreen"],
            height=300,
            elem_id="photo",
        )
        self.examples = examples
        self.gallery = self._draw_gallery() if examples else None
        self.mode = gr.Radio(
            list(texts.MODES),
            value=mode,
            label=texts.MODE,
            info=texts.MODE_HELP,
            elem_id="mode",
            visible=has_rates,
        )
        self.quality = gr.Slider(
            0,
            100,
            quality,
            step=1,
            label=texts.QUALITY,
            info=texts.QUALITY_HELP,
            elem_id="quality",
            visible=has_rates,
        )
        self.target_bytes = gr.Number(
            n_bytes,
            label=texts.TARGET,
            info=texts.TARGET_HELP,
            precision=0,
            elem_id="target",
            visible=False,
        )
        self.send_tags = gr.Checkbox(
            has_tags, label=texts.SEND_TAGS, info=texts.SEND_TAGS_HELP, elem_id="send-tags"
        )
        self.iterations = gr.Slider(
            0,
            MOST_ITERATIONS,
            n_iterations,
            step=1,
            label=texts.ITERATIONS,
            info=texts.ITERATIONS_HELP,
            elem_id="iterations",
            visible=config.rate_weights is not None,
        )
        self.tags = gr.CheckboxGroup(
            [], label=texts.TAGS, info=texts.TAGS_HELP, elem_id="tags", visible=False
        )
        self.add_tag = gr.Dropdown(
            list(names),
            value=None,
            label=texts.ADD_TAG,
            info=texts.ADD_TAG_HELP.format(n=len(names), most=config.conditioning.max_tags),
            elem_id="add-tag",
        )
        take_as_given(
            self.photo, self.quality, self.target_bytes, self.iterations, self.tags, self.add_tag
        )
        if has_rates:
            outputs = [self.quality, self.target_bytes]
            self.mode.change(self._show_chosen, self.mode, outputs, **QUICK)

    @property
    def linked(self) -> dict[str, Component]:
        """What a link restores, by its names in the link."""
        components = (self.mode, self.quality, self.target_bytes, self.send_tags, self.iterations)
        return dict(zip(CODING_DEFAULTS, components, strict=True))

    def read(self, values: Values) -> CodingRequest:
        """Gather how the visitor wants the file.

        Raises:
            ConfigError: If a value is no number, or out of range.
        """
        mode, quality, n_bytes, has_tags, n_iterations = (
            values[component] for component in self.linked.values()
        )
        tags = values[self.tags]
        return read_request(mode, quality, n_bytes, has_tags, n_iterations, tags)

    def _draw_gallery(self) -> Any:  # noqa: ANN401 (``gradio.helpers.Examples`` has no types)
        return gr.Examples(
            [[name] for name in self.examples],
            [self.photo],
            label=texts.EXAMPLES,
            examples_per_page=MAX_EXAMPLES,
            elem_id="examples",
            api_visibility="private",
        )

    def _show_chosen(self, mode: str) -> Updates:
        return {
            self.quality: gr.update(visible=mode == BY_QUALITY),
            self.target_bytes: gr.update(visible=mode == BY_SIZE),
        }
