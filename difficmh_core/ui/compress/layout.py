"""The compress tab: the result first, beside it the photograph and what goes into its file."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.ui.components.decoder_controls import DecodeButtons, DecodePanel
from difficmh_core.ui.components.decoding import DecodingTab
from difficmh_core.ui.components.file_facts import draw_file
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.file_column import FileColumn
from difficmh_core.ui.compress.first_example import FirstExample
from difficmh_core.ui.compress.history import History
from difficmh_core.ui.compress.links import EXAMPLE_KEY
from difficmh_core.ui.compress.results import draw_numbers, figures_of
from difficmh_core.ui.runtime.events import Component, Updates
from difficmh_core.ui.runtime.session import KEPT_S, Session
from difficmh_core.ui.viewer.component import PictureViewer

_CLICKED = """element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-number]");
  if (button) trigger("click", { number: Number(button.dataset.number) });
});"""


class CompressTab(DecodingTab):
    """The components of the tab."""

    def __init__(
        self,
        codec: DiffICMHCodec,
        examples: Sequence[str],
        *,
        is_quick: bool,
        first: FirstExample | None = None,
    ) -> None:
        """Draw the tab.

        Args:
            codec: Whose settings are offered.
            examples: Names of served photographs, for visitors who have none at hand.
            is_quick: Whether decoding is quick enough to start automatically.
            first: What is shown before anything is asked for; ``None`` explains the codec.
        """
        profile = codec.config.profile
        self.session = gr.State(Session(), time_to_live=KEPT_S)
        self.history = gr.State(History(), time_to_live=KEPT_S)
        self.chosen = gr.State(None, time_to_live=KEPT_S)
        self._first = first
        with gr.Row(equal_height=False, elem_id="bench"):
            with gr.Column(scale=7, min_width=540, elem_id="results"):
                self._draw_results()
            with gr.Column(scale=4, min_width=280, elem_classes="controls"):
                self.file = FileColumn(codec, examples)
                with gr.Accordion(words.DECODING, open=False, elem_id="decoding"):
                    self.panel = DecodePanel(
                        "compress", profile, is_quick=is_quick, buttons=self._buttons
                    )
                with gr.Accordion(words.LINK, open=False, elem_id="linking"):
                    self._draw_link()
        self.request_id = gr.Number(0, visible="hidden", elem_id="compress-request")
        self.example = gr.Textbox("", visible="hidden", elem_id="example")
        self.source = self.session
        self.pictures: list[Component] = [self.viewer.html, self.picture_file, self.strip]
        self.columns: list[Component] = [self.column, self.downloads]
        """What surrounds a file."""
        self.decoded = [self.session, self.history, self.chosen, *self.pictures]

    def beginning(self) -> Updates:
        """Return what is shown before a visitor has brought anything."""
        first = self._first
        if first is None:
            return {self.viewer.html: "", self.facts: draw_introduction(), self.status: ""}
        result = first.result
        return {
            self.viewer.html: self.viewer.draw(figures_of(result), result.size_px),
            self.facts: draw_file(first.stream, first.section_bits, look="sample"),
            self.status: draw_numbers(result, is_sample=True),
        }

    def _draw_results(self) -> None:
        self.viewer = PictureViewer(
            "compress-viewer", elem_id="pictures", mode="slider", is_compact=True
        )
        progress = gr.Column(elem_id="compress-working")
        self.facts = gr.HTML(padding=False, elem_id="facts")
        self.status = gr.HTML(padding=False, elem_id="status")
        # Shown once there is a file.
        with gr.Column(visible=False, elem_id="decode-panel") as self.column:
            self._buttons = DecodeButtons("compress")
        with progress:
            self._buttons.progress.render()
        self.strip = gr.HTML(padding=False, elem_id="history", js_on_load=_CLICKED)
        for component, value in self.beginning().items():
            component.value = value
        with gr.Row(visible=False, elem_id="downloads") as self.downloads:
            self.dicmh_file = gr.DownloadButton(
                words.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
            )
            self.picture_file = self._draw_picture_file("picture-file")

    def _draw_link(self) -> None:
        self.link_button = gr.Button(
            words.MAKE_LINK, size="sm", elem_id="link-button", elem_classes="save"
        )
        self.link = gr.Textbox(
            label=words.LINK,
            info=words.LINK_HELP,
            interactive=False,
            buttons=["copy"],
            visible="hidden",
            elem_id="link",
        )

    @property
    def linked(self) -> dict[str, Component]:
        """What a link restores, by its names in the link."""
        return self.file.linked | self.panel.settings

    @property
    def link_keys(self) -> list[str]:
        """The same names, and that of the example at the end."""
        return [*self.linked, EXAMPLE_KEY]


def draw_introduction() -> str:
    """Draw the three steps of the codec, shown until there is a file."""
    steps = "".join(
        f"<li><strong>{escape(name)}</strong><span>{escape(what)}</span></li>"
        for name, what in words.HOW
    )
    return f'<section class="how"><h2>{words.HOW_TITLE}</h2><ol>{steps}</ol></section>'
