"""The left side of the compress tab: the photograph, and what its file shall hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.helpers import Examples

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui import texts
from difficmh_core.ui.components.decoder_controls import QUICK, take_as_given
from difficmh_core.ui.runtime.session import BY_QUALITY, BY_SIZE, MOST_PASSES

__all__ = ["MAX_EXAMPLES", "FileColumn", "build_file_column"]

MAX_EXAMPLES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """The components that decide what the file holds."""

    photo: gr.Image
    gallery: Examples | None
    coding: Sequence[gr.components.Component]
    tags: gr.CheckboxGroup
    add_tag: gr.Dropdown


def build_file_column(codec: DiffICMHCodec, examples: Sequence[str]) -> FileColumn:
    """Draw the column inside the current layout.

    Args:
        codec: Whose settings are offered.
        examples: Names of served photographs, for visitors who have none at hand.
    """
    config, names = codec.config, codec.vocabulary.names
    has_rates = config.rate is None
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
    gallery = _build_gallery(photo, examples)
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
    target = gr.Number(
        2000,
        label=texts.TARGET,
        info=texts.TARGET_HELP,
        precision=0,
        elem_id="target",
        visible=False,
    )
    send_tags = gr.Checkbox(
        True, label=texts.SEND_TAGS, info=texts.SEND_TAGS_HELP, elem_id="send-tags"
    )
    passes = gr.Slider(
        0,
        MOST_PASSES,
        0,
        step=1,
        label=texts.PASSES,
        info=texts.PASSES_HELP,
        elem_id="passes",
        visible=config.rate_weights is not None,
    )
    tags = gr.CheckboxGroup(
        [], label=texts.TAGS, info=texts.TAGS_HELP, elem_id="tags", visible=False
    )
    most = config.conditioning.max_tags
    add_tag = gr.Dropdown(
        list(names),
        value=None,
        label=texts.ADD_TAG,
        info=texts.ADD_TAG_HELP.format(n=len(names), most=most),
        elem_id="add-tag",
    )
    take_as_given(photo, quality, target, passes, tags, add_tag)
    if has_rates:
        mode.change(
            lambda mode: (
                gr.update(visible=mode == BY_QUALITY),
                gr.update(visible=mode == BY_SIZE),
            ),
            mode,
            [quality, target],
            **QUICK,
        )
    coding = [mode, quality, target, send_tags, passes]
    return FileColumn(photo=photo, gallery=gallery, coding=coding, tags=tags, add_tag=add_tag)


def _build_gallery(photo: gr.Image, examples: Sequence[str]) -> Examples | None:
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
