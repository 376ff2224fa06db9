"""A line that says that the model is still being loaded, or why it cannot be."""

import gradio as gr

from difficmh_core.models.deferred import DeferredCodec
from difficmh_core.ui import texts
from difficmh_core.ui.components import html
from difficmh_core.ui.runtime.events import QUICK, Updates

_ASKED_EACH_S = 1.0


def connect_loading_line(demo: gr.Blocks, codec: DeferredCodec) -> None:
    """Draw the line inside the current layout; it goes once the model is there."""
    line = gr.HTML(padding=False, visible=False, elem_id="loading")
    timer = gr.Timer(_ASKED_EACH_S, active=False)

    def tell() -> Updates:
        words = texts.LOADING if codec.is_loading else codec.failure
        told = words and html.draw_notice(
            words if codec.is_loading else texts.LOADING_FAILED.format(why=words)
        )
        return {
            line: gr.update(value=told or "", visible=bool(told)),
            timer: gr.Timer(active=codec.is_loading),
        }

    for event in (demo.load, timer.tick):
        event(tell, None, [line, timer], **QUICK)
