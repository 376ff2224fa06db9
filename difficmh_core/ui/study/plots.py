"""Curves of rate and distortion as drawings that follow the page's colors, with a table inside.

Points of others come from :mod:`difficmh_core.evaluation.published` and are drawn as crosses,
never joined with ours.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.published import PUBLISHED
from difficmh_core.ui.study import texts

PLOTTED = ("lpips_alex", "dists", "psnr_db")
WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 14, 44
MOST_INTERVALS = 5
"""Between the marks of an axis."""
LETTER_WIDTH, LINE_HEIGHT = 6.6, 13.0
"""Of the names beside the crosses, about, so that no name is drawn over another."""
Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


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
            metric_of(key).short_label,
        )
        for key in PLOTTED
    )
    return f'<div class="curves">{drawings}</div>'


def _published(key: str) -> list[tuple[Point, str]]:
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
    x_marks, y_marks = (_marks(point[axis] for point in every) for axis in (0, 1))
    (x_low, x_high), (y_low, y_high) = ((marks[0], marks[-1]) for marks in (x_marks, y_marks))

    def at(point: Point) -> Point:
        x = LEFT + (point[0] - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (point[1] - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    grid = ""
    for value in x_marks:
        x, _ = at((value, y_low))
        grid += (
            f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>'
            f'<text class="x" x="{x}" y="{HEIGHT - BOTTOM + 16}">{value:g}</text>'
        )
    for value in y_marks:
        _, y = at((x_low, value))
        grid += (
            f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
            f'<text class="y" x="{LEFT - 6}" y="{y + 4}">{value:g}</text>'
        )
    line = "L".join(f"{x} {y}" for x, y in map(at, ours))
    curve = f'<path class="ours" d="M{line}"/>' if len(ours) > 1 else ""
    dots = "".join(
        f'<circle class="ours" cx="{at(point)[0]}" cy="{at(point)[1]}" r="4">'
        f"<title>{point[0]:.4f} bpp, {point[1]:.3f}</title></circle>"
        for point in ours
    )
    crosses = _draw_crosses(others, at)
    title = texts.PLOT.format(measure=name)
    legend = f'<span class="key"><i></i>{texts.PLOT_OURS}</span>'
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{grid}{curve}{dots}{crosses}"
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{texts.PLOT_X}'
        f"</text></svg><figcaption><strong>{escape(name)}</strong> {legend}</figcaption>"
        "</figure>"
    )


def _draw_crosses(others: Sequence[tuple[Point, str]], at: Callable[[Point], Point]) -> str:
    """Return a cross for each point, its name where no other cross or name is."""
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in (at(point) for point, _ in others)]
    drawn = ""
    for point, codec in others:
        x, y = at(point)
        places = _places_of_name(x, y, LETTER_WIDTH * len(codec))
        box = next((b for b in places if not any(_meet(b, o) for o in taken)), places[0])
        taken.append(box)
        drawn += (
            f'<g class="other"><title>{escape(codec)}: {point[0]:.4f} bpp, {point[1]:.3f}</title>'
            f'<path d="M{x - 5} {y}H{x + 5}M{x} {y - 5}V{y + 5}"/>'
            f'<text x="{box[0]:.1f}" y="{box[3]:.1f}">{escape(codec)}</text></g>'
        )
    return drawn


def _places_of_name(x: float, y: float, width: float) -> list[Box]:
    """Return the places for the name of a cross, the best first, none beyond the drawing."""
    lefts = [left for left in (x + 8, x - 8 - width) if LEFT < left < WIDTH - width]
    bottoms = (y - 4, y + 14, y + 24, y - 18)
    return [(left, down - LINE_HEIGHT, left + width, down) for down in bottoms for left in lefts]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _marks(values: Iterable[float]) -> list[float]:
    """Return round numbers in even steps, the first and last of which enclose the values."""
    from matplotlib.ticker import MaxNLocator  # slow to import

    found = list(values)
    return [
        round(float(mark), 9)
        for mark in MaxNLocator(MOST_INTERVALS).tick_values(min(found), max(found))
    ]
