"""The viewer as a component of the page, which several tabs use."""

from collections.abc import Sequence

import gradio as gr

from difficmh_core.ui.viewer.markup import Figure, viewer_markup


class PictureViewer:
    """A place on the page for pictures that are compared.

    Attributes:
        html: The component, which an event updates with what :meth:`draw` returns.
    """

    def __init__(
        self, viewer_id: str, *, elem_id: str, mode: str = "side", is_compact: bool = False
    ) -> None:
        """Draw an empty place inside the current layout; arguments as of :func:`viewer_markup`.

        Args:
            viewer_id: Id of the viewer.
            elem_id: Id of the component around it.
            mode: Of comparing, at first.
            is_compact: Whether the pictures come first and the page shows the numbers.
        """
        self._viewer_id, self._mode, self._is_compact = viewer_id, mode, is_compact
        self.html = gr.HTML(padding=False, elem_id=elem_id)

    def draw(
        self,
        figures: Sequence[Figure],
        size_px: tuple[int, int],
        *,
        pair: tuple[str, str] | None = None,
        topic: str = "",
    ) -> str:
        """Draw pictures of (height, width); see :func:`viewer_markup`.

        Args:
            figures: The pictures.
            size_px: Of all of them.
            pair: Keys of those to compare, if not those that the visitor chose.
            topic: What they show; what a visitor chose is remembered for each topic.
        """
        return viewer_markup(
            figures,
            size=size_px,
            viewer_id=f"{self._viewer_id}-{topic}" if topic else self._viewer_id,
            mode=self._mode,
            is_compact=self._is_compact,
            pair=pair,
        )
