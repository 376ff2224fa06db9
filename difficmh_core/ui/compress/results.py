"""Results of the compress tab: pictures for the viewer, numbers under it, and earlier ones."""

import math
from html import escape

from difficmh_core.config.profiles import presets_of
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.quality.metric import Metric
from difficmh_core.ui import texts
from difficmh_core.ui.components.html import join
from difficmh_core.ui.compress import texts as words
from difficmh_core.ui.compress.history import History, Result
from difficmh_core.ui.runtime.measures import SHOWN
from difficmh_core.ui.runtime.served_files import address_of
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.boxes import draw_boxes
from difficmh_core.ui.viewer.markup import Figure
from difficmh_core.ui.viewer.metrics import original_figure

ORIGINAL, DECODED, BEFORE = "original", "ours", "before"
"""Keys of the figures."""


def figures_of(result: Result, before: Result | None = None) -> list[Figure]:
    """List the original, a decoded picture, and the one that it is compared with."""
    original = original_figure(result.photo.path)
    if result.boxes is not None:
        of_original = draw_boxes(result.boxes.of_original, result.size_px)
        original = _with_overlay(original, of_original)
    figures = [original, _figure(DECODED, words.DECODED, result)]
    if before is not None:
        figures.append(_figure(BEFORE, words.BEFORE, before))
    return figures


def preview_figures(path: str, preview: str, index: int, total: int) -> list[Figure]:
    """List the original and the unfinished picture of a step."""
    label = texts.STEP.format(index=index, total=total)
    return [original_figure(path), Figure(key=DECODED, label=label, source=address_of(preview))]


def draw_numbers(result: Result, before: Result | None = None, *, is_sample: bool = False) -> str:
    """Draw how close a picture is to its photo, and what has changed since another result.

    Args:
        result: What is shown.
        before: What it is compared with.
        is_sample: Whether it is the page's own example, made in advance.
    """
    values = "".join(_draw_value(key, result, before) for key in SHOWN)
    missing = "".join(
        f'<p class="message">{escape(reason)}</p>'
        for reason in dict.fromkeys(result.measures.absent.values())
    )
    steps = texts.count(result.steps, "step")
    took = (texts.KEPT if result.was_kept else texts.SECONDS).format(seconds=result.seconds)
    parts = [words.SAMPLE] if is_sample else [steps, took]
    look = "sample-result" if is_sample else "result"
    if before is not None:
        parts.insert(0, _size_change(result, before))
    return (
        f'<div class="{look}" role="status"><dl class="measures">{values}</dl>{missing}'
        f'<p class="result-facts">{join(parts)}</p></div>'
    )


def draw_history(history: History, chosen: int | None, profile: str) -> str:
    """Draw the results of a photo as buttons; nothing while there is only one.

    Args:
        history: Of the visit.
        chosen: Number of the one that the newest is compared with; ``None`` for the photo.
        profile: Whose presets name the settings.
    """
    if history.last is None or not history.earlier:
        return ""
    last = history.last
    buttons = [_draw_button(last, words.THIS_RESULT, profile, is_chosen=chosen is None)]
    buttons += [
        _draw_button(result, "", profile, is_chosen=result.number == chosen)
        for result in history.earlier
    ]
    return (
        f'<section class="history" aria-label="{words.HISTORY}"><h3>{words.HISTORY}</h3>'
        f'<p class="message">{words.HISTORY_HELP}</p>'
        f'<div class="thumbnails">{"".join(buttons)}</div></section>'
    )


def settings_label(result: Result, profile: str) -> str:
    """Name the preset of a result, or its steps."""
    for name, preset in presets_of(profile).items():
        if preset == result.settings:
            return texts.PRESET_NAMES.get(name, name)
    return texts.count(result.steps, "step")


def _with_overlay(figure: Figure, overlay: str) -> Figure:
    return Figure(key=figure.key, label=figure.label, source=figure.source, overlay=overlay)


def _figure(key: str, label: str, result: Result) -> Figure:
    overlay = None if result.boxes is None else draw_boxes(result.boxes, result.size_px)
    name = label.format(n_bytes=result.n_bytes)
    return Figure(key=key, label=name, source=address_of(result.picture), overlay=overlay)


def _draw_value(key: str, result: Result, before: Result | None) -> str:
    metric, value = metric_of(key), result.measures.values.get(key)
    sign, way = viewer_texts.ARROWS[metric.is_higher_better]
    shown = words.MEASURING if not result.is_measured else words.NO_VALUE
    if value is not None:
        unit = f' <span class="unit">{metric.unit}</span>' if metric.unit else ""
        shown = f"{words.EQUAL if math.isinf(value) else metric.text(value)}{unit}"
    return (
        f'<div title="{escape(viewer_texts.HELP[key])}"><dt>{metric.short or metric.name} '
        f'<span role="img" aria-label="({way})" title="{way}">{sign}</span></dt>'
        f"<dd>{shown}</dd>{_draw_change(metric, value, before)}</div>"
    )


def _draw_change(metric: Metric, value: float | None, before: Result | None) -> str:
    if before is None or value is None or metric.key not in before.measures.values:
        return ""
    change = value - before.measures.values[metric.key]
    text = _signed(f"{change:+.{metric.digits}f}")
    if not math.isfinite(change) or float(f"{change:.{metric.digits}f}") == 0:
        return f'<dd class="change">{words.UNCHANGED}</dd>'
    is_better = (change > 0) == metric.is_higher_better
    verdict = words.BETTER if is_better else words.WORSE
    return f'<dd class="change {"better" if is_better else "worse"}">{text} {verdict}</dd>'


def _size_change(result: Result, before: Result) -> str:
    change = result.n_bytes - before.n_bytes
    if change == 0:
        return words.SAME_SIZE.format(n_bytes=before.n_bytes)
    sizes = {"n_bytes": before.n_bytes, "change": _signed(f"{change:+,}")}
    return words.SIZE_CHANGE.format(**sizes)


def _signed(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def _draw_button(result: Result, name: str, profile: str, *, is_chosen: bool) -> str:
    size = texts.FILE_SIZE.format(n_bytes=result.n_bytes)
    lines = [line for line in (name, size, settings_label(result, profile)) if line]
    label = words.HISTORY_ITEM.format(what=", ".join(lines))
    spans = "".join(f"<span>{escape(line)}</span>" for line in lines)
    return (
        f'<button type="button" data-number="{0 if name else result.number}" '
        f'aria-pressed="{str(is_chosen).lower()}" aria-label="{escape(label)}">'
        f'<img src="{result.thumbnail}" alt="">{spans}</button>'
    )


def number_of(told: object) -> int | None:
    """Read which result a visitor clicked; ``None`` for the newest, or for what is no number."""
    return told if isinstance(told, int) and told > 0 else None
