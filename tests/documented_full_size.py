"""The table of weights.md that says what each step of the rehearsal at full size took."""

import json
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "full_size.json"
HEAD = ("step", "seconds", "peak GB", "own GB", "disk GB", "")
_SIZES = {
    "square": "512 x 512 px",
    "wide": "768 x 512 px",
    "large": "4000 x 3000 px",
    "small": "256 x 256 px",
}


def rows() -> Iterator[str]:
    """Yield one row for each step that was run."""
    for name, step in json.loads(RESULTS.read_text())["steps"].items():
        for word, size in _SIZES.items():
            name = name.replace(f" {word}", f", {size}")
        # What was refused is told in the same words by the program; here it would fill the table.
        note = "told in words" if name.startswith("refuse") else step["note"]
        cells = (
            name,
            f"{step['seconds']:.0f}",
            *("" if step[key] is None else f"{step[key]:.1f}" for key in ("peak_gb", "own_gb")),
            f"{step['disk_gb']:.1f}",
            note if step["passed"] else f"failed: {step['note']}",
        )
        yield "| " + " | ".join(cells) + " |"
