"""Plots of an evaluation, as SVG and PNG: rate against quality, and features by depth."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.published import PUBLISHED
from difficmh_core.evaluation.statistics import Estimate, Summary
from difficmh_core.quality.metric import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MARKERS = "osD^vP*Xh"
_COLORS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7", "#8f8f8f")
"""Of Okabe and Ito, which the color-blind can tell apart (https://jfly.uni-koeln.de/color/), and
gray."""
_PUBLISHED_MARKERS = "+x1234"
"""Without an area, unlike ours: published points are of other pictures."""


def plot_curves(summaries: Sequence[Summary], key: str, folder: Path) -> list[Path]:
    """Draw one metric against the rate and return where the plots are.

    Points that others published, on other pictures, are drawn apart and named as such.

    Args:
        summaries: Of all codecs and targets; the bars are 95 % intervals over the pictures.
        key: Which metric.
        folder: Where to put them.
    """
    figure, axes = _canvas()
    for style, made in _by_codec(summaries):
        # A codec whose smallest file exceeds several targets has one point for all of them.
        # An infinite mean (PSNR of equal pictures) has no place in a plot.
        points = {
            point.bpp: point.values[key]
            for point in sorted(made, key=lambda point: point.bpp)
            if key in point.values and isfinite(point.values[key].value)
        }
        _line(axes, points, label=made[0].name, **style)
    for index, (name, rates) in enumerate(PUBLISHED.items()):
        marker = _PUBLISHED_MARKERS[index % len(_PUBLISHED_MARKERS)]
        at = [(bpp, values[key]) for bpp, values in rates if key in values]
        if at:
            axes.plot(*zip(*at, strict=True), marker, color="black", markersize=9, label=name)
    axes.set_xlabel("whole file [bit per pixel]")
    axes.set_ylabel(metric_of(key).label)
    return _save(figure, axes, folder / key)


def plot_depth(summaries: Sequence[Summary], target_bpp: float, folder: Path) -> list[Path]:
    """Draw how far features move at each depth of a network, at one target [bit per pixel].

    The rest as for :func:`plot_curves`.
    """
    figure, axes = _canvas()
    for style, made in _by_codec([s for s in summaries if s.target_bpp == target_bpp]):
        (point,) = made
        depths = {
            float(metric_of(key).short): value
            for key, value in point.values.items()
            if metric_of(key).group is Group.DEPTH
        }
        label = f"{point.name}, {point.bpp:.3f} bpp"
        _line(axes, depths, label=label, **style)
    axes.set_xlabel("depth in EfficientNet-Lite0 (0 is the stem)")
    axes.set_ylabel("relative distance to the original's features ↓")
    return _save(figure, axes, folder / f"depth_at_{target_bpp:g}_bpp")


def _canvas() -> tuple["Figure", "Axes"]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _by_codec(
    summaries: Sequence[Summary],
) -> Iterator[tuple[Mapping[str, str], list[Summary]]]:
    """Yield marker and color, the same in every plot, and a codec's summaries."""
    codecs = dict.fromkeys(summary.codec for summary in summaries)
    for index, codec in enumerate(codecs):
        style = {
            "marker": _MARKERS[index % len(_MARKERS)],
            "color": _COLORS[index % len(_COLORS)],
        }
        yield style, [summary for summary in summaries if summary.codec == codec]


def _line(axes: "Axes", points: Mapping[float, Estimate], **style: Any) -> None:  # noqa: ANN401
    if not points:
        return
    values = points.values()
    # Pooled statistics can lie outside a percentile interval by a hair.
    below = [max(0.0, value.value - value.low) for value in values]
    above = [max(0.0, value.high - value.value) for value in values]
    axes.errorbar(
        list(points),
        [value.value for value in values],
        yerr=[below, above],
        capsize=2,
        elinewidth=0.8,
        **style,
    )


def _save(figure: "Figure", axes: "Axes", stem: Path) -> list[Path]:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=150)
    return paths
