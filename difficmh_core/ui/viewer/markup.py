"""Pictures beside each other, over each other and subtracted, looked at through one window.

:func:`viewer_markup` writes the pictures and their numbers; the script and the style that
:func:`viewer_head` puts once into the page turn them into the viewer. Without the script they
stay what they are: figures with captions, one after the other. Everything that comes from
outside is escaped here; the script adds no markup, only text.

Gradio compares the markup of an update with what is on the page and changes the difference in
place. The script therefore draws into a shadow tree, where such an update changes nothing, and
draws anew when the figures change. What a visitor has chosen stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from difficmh_core.ui.viewer import texts
from difficmh_core.vision.overlays import STYLES, TEXT_STYLES, BoxStyle

SCRIPTS = ("viewer_parts.js", "viewer_view.js", "viewer_modes.js", "viewer.js")
"""The parts of the script, in the order in which they build on each other."""
STYLE_ID = "dicmh-viewer-style"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One number under a picture.

    Attributes:
        name: What it measures, such as ``LPIPS``.
        value: The number, as it is shown.
        unit: Its unit; empty for a pure number.
        is_higher_better: Which way is better; ``None`` where neither is.
        help: What it means, in plain words; shown once for all figures.
        is_best: Whether no other figure has a better one.
    """

    name: str
    value: str
    unit: str = ""
    is_higher_better: bool | None = None
    help: str = ""
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One picture of the viewer.

    Attributes:
        key: Names it among the figures, such as ``original``, ``ours``, ``vvc``.
        label: Its name as shown, with the real encoder's.
        source: Address of a PNG at the original's size, or the PNG as a ``data:`` address.
        facts: The numbers under it.
        overlay: Boxes that are shown on top when the visitor wants them: the address of a
            transparent PNG, or an SVG drawing as text, over the original's pixels.
        text_overlay: The text that is read in it, likewise.
        note: What a reader has to know about it, such as that its file is larger than allowed.
    """

    key: str
    label: str
    source: str
    facts: tuple[Fact, ...] = ()
    overlay: str | None = None
    text_overlay: str | None = None
    note: str = ""


def viewer_markup(figures: Sequence[Figure], *, size: tuple[int, int], viewer_id: str) -> str:
    """Write the markup of a viewer.

    Args:
        figures: The pictures; the first two are compared first.
        size: Height and width of all of them [px].
        viewer_id: Id of the element. A viewer that comes back under the same id, with the same
            first picture, shows what the visitor last chose and the part last looked at.

    Raises:
        ValueError: If two figures have the same key.
    """
    keys = [figure.key for figure in figures]
    if len(set(keys)) != len(keys):
        raise ValueError(f"the keys of the figures must differ, got {', '.join(keys)}.")
    height, width = size
    return (
        f'<dicmh-viewer id="{escape(viewer_id)}" data-width="{width}" data-height="{height}">'
        f"{''.join(_draw_figure(figure, size) for figure in figures)}"
        f"{_draw_legends(figures)}"
        f"{_draw_help(fact for figure in figures for fact in figure.facts)}</dicmh-viewer>"
    )


def viewer_head() -> str:
    """Write what goes once into the head of the page: the style and the script."""
    folder = Path(__file__).parent
    style = folder.joinpath("viewer.css").read_text(encoding="utf-8")
    parts = [folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    script = '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"
    return f'<style id="{STYLE_ID}">\n{style}</style>\n<script>\n{script}</script>\n'


def _draw_figure(figure: Figure, size: tuple[int, int]) -> str:
    height, width = size
    picture = (
        f'<img class="picture" src="{escape(figure.source)}" alt="{escape(figure.label)}" '
        f'width="{width}" height="{height}">'
    )
    overlays = "".join(
        f'<img class="overlay {kind}" src="{escape(_as_address(overlay))}" alt="" hidden>'
        for kind, overlay in (("objects", figure.overlay), ("text", figure.text_overlay))
        if overlay is not None
    )
    note = f'<span class="note">{escape(figure.note)}</span>' if figure.note else ""
    facts = "".join(_draw_fact(fact) for fact in figure.facts)
    return (
        f'<figure data-key="{escape(figure.key)}">{picture}{overlays}'
        f'<figcaption><strong class="label">{escape(figure.label)}</strong>{note}'
        f"{f'<dl>{facts}</dl>' if facts else ''}</figcaption></figure>"
    )


def _as_address(overlay: str) -> str:
    """Write the address of an overlay; a drawing becomes its own, which runs no script."""
    if overlay.lstrip().startswith("<"):
        return f"data:image/svg+xml,{quote(overlay)}"
    return overlay


def _draw_fact(fact: Fact) -> str:
    arrow, best = "", ""
    if fact.is_higher_better is not None:
        sign, words = texts.ARROWS[fact.is_higher_better]
        arrow = f' <span role="img" aria-label="({words})" title="{words}">{sign}</span>'
    if fact.is_best:
        words = texts.BEST_OF_FIGURES
        best = (
            f' <span class="best" role="img" aria-label="({words})" title="{words}">'
            "\N{BLACK STAR}</span>"
        )
    unit = f' <span class="unit">{escape(fact.unit)}</span>' if fact.unit else ""
    return (
        f'<div title="{escape(fact.help)}"><dt>{escape(fact.name)}{arrow}</dt>'
        f"<dd>{escape(fact.value)}{unit}{best}</dd></div>"
    )


def _draw_help(facts: Iterable[Fact]) -> str:
    """Explain what the numbers mean, each of them once."""
    meanings = {fact.name: fact.help for fact in facts if fact.help}
    if not meanings:
        return ""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(meaning)}</dd></div>"
        for name, meaning in meanings.items()
    )
    return (
        f'<details class="help"><summary>{texts.NUMBERS_HELP}</summary><dl>{rows}</dl></details>'
    )


def _draw_legends(figures: Sequence[Figure]) -> str:
    """Explain what colors and dashes say, as :mod:`difficmh_core.vision` draws them."""
    legends = (
        ("objects", STYLES, any(figure.overlay for figure in figures)),
        ("text", TEXT_STYLES, any(figure.text_overlay for figure in figures)),
    )
    return "".join(_draw_legend(kind, styles) for kind, styles, is_shown in legends if is_shown)


def _draw_legend(kind: str, styles: Iterable[BoxStyle]) -> str:
    items = "".join(
        f'<li><svg width="30" height="10" aria-hidden="true"><path d="M0 5H30" stroke-width="3" '
        f'stroke="{style.color}" stroke-dasharray="{3 * style.dash or "none"}"/></svg>'
        f"{escape(texts.BOX_KINDS[style.name])}</li>"
        for style in styles
    )
    return f'<ul class="boxes {kind}" aria-label="{texts.BOX_LEGENDS[kind]}">{items}</ul>'
