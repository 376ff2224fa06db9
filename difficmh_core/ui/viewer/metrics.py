"""The measures of pictures, as the viewer and the tables show them."""

from collections.abc import Mapping, Sequence

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.ui.runtime.served_files import address_of
from difficmh_core.ui.viewer import texts
from difficmh_core.ui.viewer.markup import Fact, Figure

METRICS = {key: metric_of(key) for key in texts.HELP}
"""What the page shows, in this order."""


def best_of(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Find the best value of each measure, where pictures differ in it."""
    best = dict[str, float]()
    for key, measure in METRICS.items():
        found = [line[key] for line in values if key in line]
        if len(set(found)) > 1:
            best[key] = (max if measure.is_higher_better else min)(found)
    return best


def facts_of(
    n_bytes: int, bpp: float, values: Mapping[str, float], best: Mapping[str, float]
) -> tuple[Fact, ...]:
    """List what is under a picture.

    Args:
        n_bytes: Size of its file [bytes].
        bpp: The same per pixel [bit].
        values: Its measures, by their keys.
        best: The best of all pictures, where they differ.
    """
    return (
        Fact(name=texts.BYTES, value=f"{n_bytes:,}", help=texts.BYTES_HELP),
        Fact(name=texts.BPP, value=f"{bpp:.4f}", help=texts.BPP_HELP),
        *(
            Fact(
                name=measure.short,
                value=measure.text(values[key]),
                unit=measure.unit,
                is_higher_better=measure.is_higher_better,
                help=texts.HELP[key],
                is_best=best.get(key) == values[key],
            )
            for key, measure in METRICS.items()
            if key in values
        ),
    )


def original_figure(path: str) -> Figure:
    """Show the original, which has no numbers."""
    return Figure(key="original", label=texts.ORIGINAL, source=address_of(path))
