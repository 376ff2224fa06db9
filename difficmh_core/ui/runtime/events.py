"""How events are connected, and what they are given and return.

An event is given ``{component: value}`` and returns ``{component: update}``: what is not named
stays as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ImageData

Component = Any
"""A component of Gradio, whose events come from a decorator that types do not see through."""
Event = Any
"""What connects a function to something that happens; Gradio gives it no type."""
Values = Mapping[Component, Any]
"""What the components of an event hold, as the visitor left them."""
Updates = dict[Component, Any]
"""What an event changes: of each component its new value, or its new properties."""

QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Events that only change what is shown."""
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
"""All heavy events wait in one queue for the one model."""
LATEST: dict[str, Any] = {"trigger_mode": "always_last"}
"""Of requests that follow each other quickly, the last counts; "once" would drop it."""


def unchanged() -> Updates:
    """Change nothing; Gradio takes an empty dictionary for a value."""
    nothing: Updates = gr.skip()
    return nothing


def after_all(
    event: Event, show: Callable[..., Any], inputs: Component, outputs: Component
) -> None:
    """Show something once an event has ended; one that fails has no ``then``."""
    for after in (event.then, event.failure):
        after(show, inputs, outputs, **QUICK)


def take_as_given(*components: Component) -> None:
    """Hand over what a visitor enters unchecked, so that the core checks it, in its own words.

    Gradio's own checks stop an event before it starts, with messages that name no setting. This
    is set on instances: beside the source of a subclass, Gradio would write a stub file.
    """
    for component in components:
        component.preprocess = _as_given


def _as_given(value: object) -> object:
    return value.path if isinstance(value, FileData | ImageData) else value
