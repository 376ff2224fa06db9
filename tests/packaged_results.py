"""What the page says of its model: a summary of the measurements, packaged beside the weights.

``python -m tests.packaged_results`` writes it after the model was measured anew.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from difficmh_core.evaluation.own_results import MEASURED_PATH
from tests.documented_numbers import DEV, OPTIMIZED, results

__all__ = ["packaged"]

METRICS = ("lpips_alex", "dists", "psnr_db")
CURVES = {
    "nano-instant": DEV,
    "nano-content": DEV,
    "nano-instant-refined": OPTIMIZED,
    "vvc": DEV,
}
"""Codecs of the rate plots, by their keys, and the run in which each was measured."""
_START = 0.05
"""Of ``instant`` and ``fast``."""


def packaged() -> dict[str, Any]:
    """The summary, made anew."""
    decodings = results("ablations-nano-9-decode")
    return {
        "model": DEV["codecs"]["nano-instant"]["version"].partition(",")[0],
        "n_photos": DEV["n_pictures"],
        "curves": {codec: _curve(measured, codec) for codec, measured in CURVES.items()},
        "steps": _rows((row for row in decodings if _is_of_steps(row)), "steps", "start"),
        "guidance": _rows((row for row in decodings if "guidance" in row), "guidance", "steps"),
        "tags": _rows((row for row in decodings if "tags" in row), "settings", "tags"),
    }


def _is_of_steps(row: Mapping[str, Any]) -> bool:
    return "guidance" not in row and row.get("start") in (_START, 1.0)


def _curve(measured: Mapping[str, Any], codec: str) -> list[dict[str, float]]:
    return [
        {"bpp": round(each["bpp"], 4)}
        | {key: round(each["values"][key]["value"], 4) for key in METRICS}
        for each in measured["summaries"]
        if each["codec"] == codec
    ]


def _rows(rows: Iterable[Mapping[str, Any]], *settings: str) -> list[dict[str, Any]]:
    """The rows, each once, with these settings, the number of photos and the metrics."""
    kept = [{key: row[key] for key in (*settings, "n", "bpp", *METRICS)} for row in rows]
    return [row for index, row in enumerate(kept) if row not in kept[:index]]


def main() -> None:
    """Write the summary."""
    text = json.dumps(packaged(), indent=1)
    MEASURED_PATH.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
