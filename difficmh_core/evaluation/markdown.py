"""The summary of an evaluation as a page of tables (Markdown), to read and to cite."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.quality.metric import Group, Metric
from difficmh_core.vision.task_metrics import COCO_MAP

_DIGITS = 3
_SETS = (
    "Between all decoded images and all originals, from features of their patches of 256 px; ± "
    "is the standard deviation over random subsets of the patches, not an interval over photos. "
    "Numbers of different networks, or of different numbers of patches, do not compare."
)


def markdown_of(summary: Mapping[str, Any]) -> str:
    """Return the tables of a summary: quality, color, machines, sets, depth, deltas, failures.

    Args:
        summary: As :meth:`Evaluation.finish` returns it.
    """
    made = summary["summaries"]
    measured = [metric_of(key) for key in dict.fromkeys(k for s in made for k in s["values"])]
    quality, colors, machines, depths = (
        [metric for metric in measured if metric.group in groups]
        for groups in (
            (Group.DISTORTION, Group.PERCEPTION),
            (Group.COLOR,),
            (Group.MACHINES, Group.COUNTS),
            (Group.DEPTH,),
        )
    )
    n_failed = len(summary["failures"]) + len(summary["broken_pictures"])
    parts = [
        f"# {summary['folder']}: {summary['n_pictures']} photos",
        "Means over photos; ± is half of the 95% bootstrap interval over photos. Sizes are "
        "whole files in bits per pixel of the original; *fits* counts the files that hold no more "
        "than the target, the others are the smallest that the codec makes. A number of photos "
        "in parentheses: the measure is defined on these only.",
    ]
    if quality:
        parts += ["## Quality", _means(made, quality)]
    if colors:
        parts += ["## Color", _means(made, colors)]
    if machines:
        parts += ["## What machines make of it, against the original", _means(made, machines)]
    if summary["coco_map"]:
        parts += ["## COCO mean average precision", _precision(summary)]
    if summary["set_distances"]:
        parts += ["## Distances of sets", _SETS, _set_distances(summary)]
    if depths:
        parts += [
            "## Features by depth: relative distance to the original's, shallow to deep",
            _means(made, depths, [metric.short for metric in depths]),
        ]
    if summary["deltas"]:
        parts += [
            f"## Bjøntegaard deltas against {_name(summary, summary['deltas'][0]['anchor'])}",
            "Rate: bits more (+) or less (-) at equal quality. Quality: how much better (+) at "
            "equal bits. In brackets the 95% bootstrap interval over photos, where nearly all "
            "draws have a delta. Left out: what is not defined, since a curve does not rise (its "
            "smallest files exceed the targets, say) or the curves have nothing in common.",
            _deltas(summary),
        ]
    if n_failed:
        parts += ["## Failures", _failures(summary)]
    if summary["absent"]:
        lines = [[key, reason] for key, reason in summary["absent"].items()]
        parts += ["## Left out", _table(["what", "why"], lines)]
    return "\n\n".join(parts) + "\n"


def _means(
    made: Sequence[Mapping[str, Any]],
    metrics: Sequence[Metric],
    heads: Sequence[str] | None = None,
) -> str:
    lines = [
        [
            f"{line['target_bpp']:g}",
            line["name"],
            f"{line['bpp']:.4f}",
            f"{line['n_fitting']} of {line['n']}",
            *(_with_interval(line["values"].get(metric.key), line["n"]) for metric in metrics),
        ]
        for line in sorted(made, key=lambda line: line["target_bpp"])
    ]
    heads = heads or [metric.label for metric in metrics]
    return _table(["target", "codec", "bpp", "fits", *heads], lines)


def _set_distances(summary: Mapping[str, Any]) -> str:
    """Return one line for each codec and target, a column for each distance, and why some lack."""
    keys = list(dict.fromkeys(line["measure"] for line in summary["set_distances"]))
    found = {
        (line["rate_bpp"], line["codec"], line["measure"]): line
        for line in summary["set_distances"]
    }
    lines = list[list[str]]()
    for rate, codec in sorted(dict.fromkeys(key[:2] for key in found), key=lambda key: key[0]):
        own = [found[rate, codec, key] for key in keys]
        counts = [str(max(line[name] for line in own)) for name in ("n_pictures", "n")]
        lines.append([f"{rate:g}", _name(summary, codec), *counts, *map(_distance, own)])
    notes = dict.fromkeys(line["note"] for line in found.values() if line["note"] is not None)
    heads = ["target", "codec", "photos", "patches", *(metric_of(key).label for key in keys)]
    return "\n\n".join([_table(heads, lines), *(f"No number: {note}." for note in notes)])


def _distance(line: Mapping[str, Any]) -> str:
    if line["value"] is None:
        return "-"
    numbers = (line["value"], line["deviation"])
    metric = metric_of(line["measure"])
    return " ± ".join(metric.text(number) for number in numbers if number is not None)


def _precision(summary: Mapping[str, Any]) -> str:
    lines = [
        [
            "-" if line["rate_bpp"] is None else f"{line['rate_bpp']:g}",
            "the originals" if line["rate_bpp"] is None else _name(summary, line["codec"]),
            f"{line['value']:.3f}",
            f"{line['low']:.3f} to {line['high']:.3f}",
            str(line["n"]),
        ]
        for line in sorted(summary["coco_map"], key=lambda line: line["rate_bpp"] or 0)
    ]
    return _table(["target", "codec", COCO_MAP.label, "95% interval", "photos"], lines)


def _deltas(summary: Mapping[str, Any]) -> str:
    lines = [
        [
            _name(summary, line["codec"]),
            metric.name if metric.group is Group.ANNOTATIONS else metric.label,
            _bracketed(line["bd_rate_percent"], "%", 1),
            _bracketed(line["bd_quality"], "", _DIGITS),
        ]
        for line, metric in ((line, metric_of(line["measure"])) for line in summary["deltas"])
        if metric.group not in (Group.DEPTH, Group.COUNTS)
        and any(line[name]["value"] is not None for name in ("bd_rate_percent", "bd_quality"))
    ]
    if not lines:
        return "None is defined."
    return _table(["codec", "measure", "rate", "quality"], lines)


def _failures(summary: Mapping[str, Any]) -> str:
    lines = [[picture, "-", error] for picture, error in summary["broken_pictures"].items()]
    lines += [
        [line["picture"], _name(summary, line["codec"]), line["error"]]
        for line in summary["failures"]
    ]
    return _table(["photo", "codec", "why"], lines)


def _name(summary: Mapping[str, Any], codec: str) -> str:
    name: str = summary["codecs"][codec]["name"]
    return name


def _with_interval(estimate: Mapping[str, float] | None, n: int) -> str:
    if estimate is None:
        return "-"
    text = f"{estimate['value']:.{_DIGITS}f}"
    half = (estimate["high"] - estimate["low"]) / 2
    if n > 1 and isfinite(half):
        text += f" ± {half:.{_DIGITS}f}"
    return text if estimate["n"] == n else f"{text} ({estimate['n']:.0f})"


def _bracketed(delta: Mapping[str, float | None], unit: str, digits: int) -> str:
    value, low, high = (delta[name] for name in ("value", "low", "high"))
    if value is None:
        return "-"
    if low is None or high is None:
        return f"{value:+.{digits}f}{unit}"
    return f"{value:+.{digits}f}{unit} [{low:+.{digits}f}, {high:+.{digits}f}]"


def _table(heads: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [list(heads), *(list(line) for line in lines)]
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in rows
    )
