"""The left side of the compress tab: the photograph, and what its file shall hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui.compress import texts
from difficmh_core.ui.runtime.events import QUICK, Component, Values, take_as_given
from difficmh_core.ui.runtime.requests import (
    BY_QUALITY,
    BY_SIZE,
    MOST_ITERATIONS,
    CodingRequest,
    read_request,
)

MAX_EXAMPLES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """The components that decide what the file holds.

    Attributes:
        photo: The photograph.
        examples: Names of served photographs, for visitors who have none at hand.
        gallery: Shows them, if there are any.
        mode: Whether the quality or the size decides.
        quality: 0 to 100.
        target_bytes: Largest file [bytes].
        send_tags: Whether the file holds tags.
        iterations: Of latent optimization.
        tags: Those that the file holds.
        add_tag: Adds one.
    """

    photo: gr.Image
    examples: Sequence[str]
    gallery: Any  # ``gradio.helpers.Examples``, which has no types
    mode: gr.Radio
    quality: gr.Slider
    target_bytes: gr.Number
    send_tags: gr.Checkbox
    iterations: gr.Slider
    tags: gr.CheckboxGroup
    add_tag: gr.Dropdown

    @property
    def linked(self) -> dict[str, Component]:
        """What a link restores, by its names in the link."""
        return {
            "mode": self.mode,
            "quality": self.quality,
            "bytes": self.target_bytes,
            "tags": self.send_tags,
            "passes": self.iterations,
        }

    def read(self, values: Values) -> CodingRequest:
        """Gather how the visitor wants the file.

        Raises:
            ConfigError: If a value is no number, or out of range.
        """
        return read_request(
            mode=values[self.mode],
            quality=values[self.quality],
            target_bytes=values[self.target_bytes],
            send_tags=values[self.send_tags],
            iterations=values[self.iterations],
            tags=values[self.tags],
        )


def draw_file_column(codec: DiffICMHCodec, examples: Sequence[str]) -> FileColumn:
    """Draw the column inside the current layout.

    Args:
        codec: Whose settings are offered.
        examples: Names of served photographs, for visitors who have none at hand.
    """
    has_rates = codec.config.rate is None
    photo = gr.Image(
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
    gallery = _draw_gallery(photo, examples)
    mode = gr.Radio(
        list(texts.MODES),
        value=BY_QUALITY,
        label=texts.MODE,
        info=texts.MODE_HELP,
        elem_id="mode",
        visible=has_rates,
    )
    quality = gr.Slider(
        0,
        100,
        50,
        step=1,
        label=texts.QUALITY,
        info=texts.QUALITY_HELP,
        elem_id="quality",
        visible=has_rates,
    )
    target_bytes = gr.Number(
        2000,
        label=texts.TARGET,
        info=texts.TARGET_HELP,
        precision=0,
        elem_id="target",
        visible=False,
    )
    if has_rates:
        mode.change(
            lambda mode: {
                quality: gr.update(visible=mode == BY_QUALITY),
                target_bytes: gr.update(visible=mode == BY_SIZE),
            },
            mode,
            [quality, target_bytes],
            **QUICK,
        )
    return FileColumn(
        photo=photo,
        examples=examples,
        gallery=gallery,
        mode=mode,
        quality=quality,
        target_bytes=target_bytes,
        **_draw_content(codec, photo, quality, target_bytes),
    )


def _draw_content(codec: DiffICMHCodec, *entered: Component) -> dict[str, Any]:
    """Draw what else is in the file; hand all that visitors enter over as it is."""
    config, names = codec.config, codec.vocabulary.names
    send_tags = gr.Checkbox(
        True, label=texts.SEND_TAGS, info=texts.SEND_TAGS_HELP, elem_id="send-tags"
    )
    iterations = gr.Slider(
        0,
        MOST_ITERATIONS,
        0,
        step=1,
        label=texts.ITERATIONS,
        info=texts.ITERATIONS_HELP,
        elem_id="iterations",
        visible=config.rate_weights is not None,
    )
    tags = gr.CheckboxGroup(
        [], label=texts.TAGS, info=texts.TAGS_HELP, elem_id="tags", visible=False
    )
    add_tag = gr.Dropdown(
        list(names),
        value=None,
        label=texts.ADD_TAG,
        info=texts.ADD_TAG_HELP.format(n=len(names), most=config.conditioning.max_tags),
        elem_id="add-tag",
    )
    take_as_given(*entered, iterations, tags, add_tag)
    return {"send_tags": send_tags, "iterations": iterations, "tags": tags, "add_tag": add_tag}


def _draw_gallery(photo: gr.Image, examples: Sequence[str]) -> Any:  # noqa: ANN401 (as above)
    if not examples:
        return None
    return gr.Examples(
        [[name] for name in examples],
        [photo],
        label=texts.EXAMPLES,
        examples_per_page=MAX_EXAMPLES,
        elem_id="examples",
        api_visibility="private",
    )
