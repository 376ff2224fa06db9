"""What the compress tab shows in each state: the updates of its components."""

from collections.abc import Sequence

import gradio as gr

from difficmh_core.encoding import Encoded
from difficmh_core.ui.components import html
from difficmh_core.ui.components.file_facts import draw_file
from difficmh_core.ui.components.progress import draw_optimization
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.runtime.events import Updates
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo


class CompressUpdates:
    """Updates of one tab's components."""

    def __init__(self, tab: CompressTab) -> None:
        self._tab = tab

    def optimizing(self, index: int, total: int, seconds: float) -> Updates:
        """Say how far the optimization is."""
        drawn = draw_optimization(index, total, seconds)
        return self._tab.panel.buttons.at_work(drawn) | {self._tab.column: gr.update(visible=True)}

    def file(self, photo: Photo, encoded: Encoded, *, path: str, is_first: bool) -> Updates:
        """Show a file.

        Args:
            photo: What it was made of.
            encoded: The file.
            path: Where it lies.
            is_first: Whether no picture has been decoded of the file before it.
        """
        return {
            self._tab.facts: draw_file(encoded.stream, encoded.section_bits, photo),
            self._tab.dicmh_file: gr.update(value=path),
            self._tab.status: html.draw_message(words.READY if is_first else words.CHANGED),
        }

    def tags(self, session: Session, *, ticks: Sequence[str] | None, are_sent: bool) -> Updates:
        """Offer the tags of the session's file.

        Args:
            session: With the file.
            ticks: Tags that are ticked; with ``None``, those of the page stay. A visitor may have
                changed more of them while the file was made; they stay, too, while tags are turned
                off, and return with them.
            are_sent: Whether the file may hold tags.
        """
        chips = gr.update(
            choices=_choices(session, session.encoded),
            interactive=are_sent,
            visible=bool(session.offered),
        )
        if ticks is not None:
            chips["value"] = ticks
        return {self._tab.file.tags: chips}

    def added(self, session: Session, ticks: Sequence[str]) -> Updates:
        """Show a tag that the visitor added, ticked; the file with it follows."""
        return {
            self._tab.session: session,
            self._tab.file.tags: gr.update(choices=_choices(session, None), value=ticks),
            self._tab.file.add_tag: None,
        }


def _choices(session: Session, encoded: Encoded | None) -> list[tuple[str, str]]:
    """Label each offered tag with its confidence and, in the file, its bits."""
    proposed = {tag.id for tag in session.proposals or ()}
    held = {tag.id for tag in encoded.tags} if encoded else set()
    bits_each = encoded.section_bits["tags"] / len(held) if encoded and held else None
    return [
        (
            words.tag_label(
                tag.name,
                tag.confidence if tag.id in proposed else None,
                bits_each if tag.id in held else None,
            ),
            tag.name,
        )
        for tag in session.offered
    ]
