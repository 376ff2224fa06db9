"""The about tab: how the codec works, its weights, its limits, and what becomes of pictures."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import profile_of
from difficmh_core.ui.about import texts
from difficmh_core.ui.components import html
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import BASELINE_CARDS, PACKAGE_CARDS
from difficmh_core.weights.network_card import NANO_FOLDER, read_network_card

Places = Mapping[str, tuple[float, float]]
"""Left and top of the diagram's boxes, in its own units."""
BOX_WIDTH, BOX_HEIGHT = 172, 56
BOX_LETTERS = 22
"""In a line of a box, at most."""
WIDE: Places = {
    "photo": (0, 60),
    "tagger": (210, 0),
    "analysis": (210, 120),
    "coder": (420, 60),
    "file": (630, 60),
    "reader": (630, 240),
    "tags": (420, 190),
    "content": (420, 290),
    "noise": (210, 330),
    "model": (210, 240),
    "picture": (0, 240),
}
UPRIGHT: Places = {
    "photo": (105, 0),
    "tagger": (0, 92),
    "analysis": (210, 92),
    "coder": (105, 184),
    "file": (105, 276),
    "reader": (105, 368),
    "tags": (0, 460),
    "content": (210, 460),
    "noise": (0, 552),
    "model": (210, 552),
    "picture": (210, 644),
}
"""For phones."""
ARROWS = (
    ("photo", "tagger"),
    ("photo", "analysis"),
    ("tagger", "coder"),
    ("analysis", "coder"),
    ("coder", "file"),
    ("file", "reader"),
    ("reader", "tags"),
    ("reader", "content"),
    ("tags", "model"),
    ("content", "model"),
    ("noise", "model"),
    ("model", "picture"),
)


def draw_about_tab(codec: DiffICMHCodec, *, max_pixels: int, weights_dir: Path) -> None:
    """Draw the tab inside the current layout.

    Args:
        codec: The codec of the page.
        max_pixels: Largest picture that the page takes [px].
        weights_dir: Where fetched weights lie.
    """
    limits = [limit.format(max_pixels=max_pixels) for limit in texts.LIMITS_WORDS]
    sections = (
        (texts.HOW, _paragraph(texts.HOW_WORDS) + draw_diagram()),
        (texts.LIMITS, _list(limits)),
        (texts.PRIVACY, _list(texts.PRIVACY_WORDS)),
        (texts.WEIGHTS, _draw_weights(codec, weights_dir)),
        (texts.PROGRAMS, _paragraph(texts.PROGRAMS_WORDS)),
        (texts.REFERENCES, _paragraph(texts.REFERENCE)),
    )
    gr.HTML(
        "".join(
            f'<section class="about"><h2>{title}</h2>{body}</section>' for title, body in sections
        ),
        padding=False,
        elem_id="about-sections",
    )


def draw_diagram() -> str:
    """Draw the way of a photograph through the codec."""
    return f'<div class="diagram">{_draw(WIDE, "wide")}{_draw(UPRIGHT, "upright")}</div>'


def _draw(places: Places, name: str) -> str:
    """Draw one arrangement; the style sheet shows the one that fits."""
    width = max(left for left, _ in places.values()) + BOX_WIDTH
    height = max(top for _, top in places.values()) + BOX_HEIGHT
    boxes = "".join(_draw_box(key, *place) for key, place in places.items())
    lines = "".join(
        _draw_arrow(places[start], places[end], f"tip-{name}") for start, end in ARROWS
    )
    return (
        f'<svg class="{name}" viewBox="-6 -6 {width + 12} {height + 12}" role="img" '
        f'aria-label="{texts.DIAGRAM}">'
        f'<defs><marker id="tip-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8Z"/></marker></defs>'
        f"{lines}{boxes}</svg>"
    )


def _draw_box(key: str, left: float, top: float) -> str:
    words = textwrap.wrap(texts.BOXES[key], BOX_LETTERS, break_on_hyphens=False)
    middle, first = left + BOX_WIDTH / 2, top + BOX_HEIGHT / 2 - 8 * (len(words) - 1) + 5
    lines = "".join(
        f'<tspan x="{middle}" y="{first + 16 * index}">{escape(line)}</tspan>'
        for index, line in enumerate(words)
    )
    return (
        f'<g class="{key}"><rect x="{left}" y="{top}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="9"/><text>{lines}</text></g>'
    )


def _draw_arrow(start: tuple[float, float], end: tuple[float, float], tip: str) -> str:
    """Draw a line from box to box: downwards or upwards between boxes that overlap in x."""
    (x0, y0), (x1, y1) = ((x + BOX_WIDTH / 2, y + BOX_HEIGHT / 2) for x, y in (start, end))
    if abs(start[0] - end[0]) < BOX_WIDTH:
        down = 1 if y1 > y0 else -1
        y0, y1 = y0 + down * BOX_HEIGHT / 2, y1 - down * BOX_HEIGHT / 2
    else:
        right = 1 if x1 > x0 else -1
        x0, x1 = x0 + right * BOX_WIDTH / 2, x1 - right * BOX_WIDTH / 2
    return f'<path class="arrow" d="M{x0} {y0}L{x1} {y1}" marker-end="url(#{tip})"/>'


def _draw_weights(codec: DiffICMHCodec, weights_dir: Path) -> str:
    networks = codec.networks
    modules = (networks.autoencoder, networks.latent_codec, networks.unet, networks.preview)
    n = sum(tensor.numel() for module in modules for tensor in module.parameters())
    intro = texts.WEIGHTS_WORDS.format(
        profile=codec.config.profile, fingerprint=codec.fingerprint.hex(), n=n
    )
    weights = _weights(codec, weights_dir)
    lines = (html.draw_line(name, html.draw_cells(cells)) for name, *cells in weights)
    table = html.draw_table(
        texts.WEIGHTS, map(html.draw_head, texts.WEIGHTS_HEADS), lines, look="numbers words"
    )
    return _paragraph(intro) + table


def _weights(codec: DiffICMHCodec, weights_dir: Path) -> Iterable[Sequence[str]]:
    """Yield name, size, hash, license and origin of each file of weights."""
    if profile_of(codec.config.profile).is_packaged:
        for path in sorted(NANO_FOLDER.glob("*.safetensors")):
            card = read_network_card(path)
            origin = texts.OWN.format(
                n_steps=sum(card.n_steps.values()),
                hours=card.training_seconds / 3600,
                device=card.device,
            )
            yield card.file, _size(card.n_bytes), card.sha256[:16], card.license, origin
    for fetched in (*PACKAGE_CARDS, *BASELINE_CARDS):
        origin = f"{fetched.purpose}; {fetched.source}"
        if not is_cached(fetched, weights_dir):
            origin += f"; {texts.NOT_FETCHED.format(without=fetched.without_it)}"
        yield fetched.file, _size(fetched.n_bytes), fetched.sha256[:16], fetched.license, origin


def _size(n_bytes: int) -> str:
    return texts.MEGABYTES.format(n=n_bytes / 1e6)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
