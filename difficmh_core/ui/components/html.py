"""Pieces of markup that several tabs draw.

Everything that comes from a file or a visitor is escaped where it is drawn. Colors belong to
``style.css``, words to the texts.
"""

from collections.abc import Iterable
from html import escape

from difficmh_core.ui import texts


def draw_notice(notice: str) -> str:
    """Draw a line that every visitor should read first."""
    return f'<p class="notice" role="status">{escape(notice)}</p>'


def draw_warning() -> str:
    """Draw the notice about invented detail."""
    return f'<p class="notice">{texts.NOTICE}</p>'


def draw_lead(sentences: str) -> str:
    """Draw what a tab is for."""
    return f'<p class="lead">{escape(sentences)}</p>'


def draw_message(message: str) -> str:
    """Draw one sentence about the state of the page."""
    return f'<p class="message" role="status">{escape(message)}</p>'


def draw_facts(facts: Iterable[tuple[str, str]]) -> str:
    """Draw names and values as a list of definitions."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return f'<dl class="facts">{rows}</dl>'


def join(parts: Iterable[str]) -> str:
    """Draw facts one after the other; the style sheet puts marks between them."""
    return "".join(f"<span>{escape(part)}</span>" for part in parts)


def draw_head(words: str, help: str = "") -> str:
    """Draw the head of a column.

    Args:
        words: Its name; markup.
        help: What it means.
    """
    title = f' title="{escape(help)}"' if help else ""
    return f'<th scope="col"{title}>{words}</th>'


def draw_line(name: str, cells: Iterable[str]) -> str:
    """Draw a line of a table: its name, and its cells, which are markup."""
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def draw_cells(words: Iterable[str]) -> str:
    """Draw the cells of a line."""
    return "".join(f"<td>{escape(word)}</td>" for word in words)


def draw_table(
    label: str, heads: Iterable[str], lines: Iterable[str], *, look: str = "numbers"
) -> str:
    """Draw a table that scrolls where it is too wide.

    Args:
        label: Names it for screen readers.
        heads: Of the columns, see :func:`draw_head`.
        lines: See :func:`draw_line`.
        look: Its classes in the style sheet.
    """
    return (
        f'<div class="{look}" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr>{''.join(heads)}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
