"""What the compress tab shows until there is a file."""

from html import escape

from difficmh_core.ui.compress import texts


def draw_introduction() -> str:
    """Draw the three steps of the codec, shown until there is a file."""
    steps = "".join(
        f"<li><strong>{escape(name)}</strong><span>{escape(what)}</span></li>"
        for name, what in texts.HOW
    )
    return f'<section class="how"><h2>{texts.HOW_TITLE}</h2><ol>{steps}</ol></section>'
