"""Pieces of markup that several tabs draw.

Everything that comes from a file or a visitor is escaped where it is drawn. Colors belong to
``style.css``, words to the texts.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape

from difficmh_core.ui import texts

_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:)]")
"""In escaped words; the mark that ends a sentence is no part of an address."""


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


def draw_links(words: str) -> str:
    """Draw words, the addresses in them as links.

    >>> draw_links("See https://example.org/a?b=1&c.")
    'See <a href="https://example.org/a?b=1&amp;c">https://example.org/a?b=1&amp;c</a>.'
    """
    return _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', escape(words))


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
    return f'<th scope="col" role="columnheader"{title}>{words}</th>'


def draw_subhead(words: str, n_columns: int) -> str:
    """Draw a line that names the lines below it."""
    return (
        f'<tr class="group" role="row"><th scope="colgroup" role="columnheader" '
        f'colspan="{n_columns}">{escape(words)}</th></tr>'
    )


def draw_line(name: str, cells: Iterable[str]) -> str:
    """Draw a line of a table: its name, and its cells, which are markup."""
    head = f'<th scope="row" role="rowheader">{escape(name)}</th>'
    return f'<tr role="row">{head}{"".join(cells)}</tr>'


def draw_cell(words: str, column: str = "", *, look: str = "") -> str:
    """Draw a cell of a line.

    Args:
        words: What it holds.
        column: The name of its column, shown before the words on narrow screens.
        look: Its class in the style sheet.
    """
    name = f' data-column="{escape(column)}"' if column else ""
    style = f' class="{look}"' if look else ""
    return f'<td role="cell"{style}{name}>{draw_links(words)}</td>'


def draw_cells(words: Iterable[str], columns: Sequence[str]) -> str:
    """Draw the cells of a line, with the names of their columns."""
    cells = zip(words, columns, strict=True)
    return "".join(draw_cell(word, column if word else "") for word, column in cells)


def draw_table(
    label: str, heads: Iterable[str], lines: Iterable[str], *, look: str = "numbers"
) -> str:
    """Draw a table that scrolls where it is too wide; on phones its lines become cards.

    The roles are those of its elements, and stay when the style sheet lays them out as blocks.

    Args:
        label: Names it for screen readers.
        heads: Of the columns, see :func:`draw_head`.
        lines: See :func:`draw_line`.
        look: Its classes in the style sheet.
    """
    return (
        f'<div class="{look}" tabindex="0" role="region" aria-label="{label}">'
        f'<table role="table"><thead role="rowgroup"><tr role="row">{"".join(heads)}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )
