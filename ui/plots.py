"""Curves of rate and distortion as drawings that follow the page's colors, with a table inside.

Points of others come from :mod:`difficmh_core.evaluation.published` and are drawn as crosses,
never joined with ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from difficmh_core.evaluation.published import PUBLISHED
from ui import texts_study as texts

__all__ = ["draw_curves"]

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 44
N_TICKS = 4
Point = tuple[float, float]


def draw_curves(points: Sequence[tuple[float, Mapping[str, float]]]) -> str:
    """Return one drawing for each measure.

    Args:
        points: This photograph's: rate [bit per pixel] and measures.
    """
    drawings = "".join(
        _draw_curve(
            [
                (bpp, values[key])
                for bpp, values in sorted(points, key=lambda point: point[0])
                if key in values
            ],
            _published(key),
            name,
        )
        for key, name in texts.PLOT_MEASURES.items()
    )
    return f'<div class="curves">{drawings}</div>'


def _published(key: str) -> list[tuple[Point, str]]:
    """Return the others' points with the names of their codecs."""
    return [
        ((bpp, values[key]), name.partition(" (")[0])
        for name, rates in PUBLISHED.items()
        for bpp, values in rates
        if key in values
    ]


def _draw_curve(ours: Sequence[Point], others: Sequence[tuple[Point, str]], name: str) -> str:
    every = [*ours, *(point for point, _ in others)]
    if not every:
        return ""
    (x_low, x_high), (y_low, y_high) = (_range(point[axis] for point in every) for axis in (0, 1))

    def at(point: Point) -> Point:
        x = LEFT + (point[0] - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (point[1] - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    grid = ""
    for index in range(N_TICKS + 1):
        x_value = x_low + index / N_TICKS * (x_high - x_low)
        y_value = y_low + index / N_TICKS * (y_high - y_low)
        x, y = at((x_value, y_value))
        grid += (
            f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}M{x} {TOP}V{HEIGHT - BOTTOM}"/>'
            f'<text class="x" x="{x}" y="{HEIGHT - BOTTOM + 16}">{x_value:.2f}</text>'
            f'<text class="y" x="{LEFT - 6}" y="{y + 4}">{_short(y_value)}</text>'
        )
    line = "L".join(f"{x} {y}" for x, y in map(at, ours))
    curve = f'<path class="ours" d="M{line}"/>' if len(ours) > 1 else ""
    dots = "".join(
        f'<circle class="ours" cx="{at(point)[0]}" cy="{at(point)[1]}" r="4">'
        f"<title>{point[0]:.4f} bpp, {point[1]:.3f}</title></circle>"
        for point in ours
    )
    crosses = "".join(_draw_cross(at(point), codec, point) for point, codec in others)
    title = texts.PLOT.format(measure=name)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{grid}{curve}{dots}{crosses}"
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{texts.PLOT_X}'
        f"</text></svg><figcaption><strong>{escape(name)}</strong> {_legend()}</figcaption>"
        "</figure>"
    )


def _draw_cross(place: Point, codec: str, point: Point) -> str:
    x, y = place
    is_right = x > WIDTH * 0.7
    anchor, shift = ("end", -8) if is_right else ("start", 8)
    return (
        f'<g class="other"><title>{escape(codec)}: {point[0]:.4f} bpp, {point[1]:.3f}</title>'
        f'<path d="M{x - 5} {y}H{x + 5}M{x} {y - 5}V{y + 5}"/>'
        f'<text x="{x + shift}" y="{y - 4}" text-anchor="{anchor}">{escape(codec)}</text></g>'
    )


def _legend() -> str:
    return f'<span class="key"><i></i>{texts.PLOT_OURS}</span>'


def _range(values: Iterable[float]) -> Point:
    """Return the ends of an axis, a little beyond the points."""
    found = list(values)
    low, high = min(found), max(found)
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return max(0.0, low - margin) if low >= 0 else low - margin, high + margin


def _short(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
