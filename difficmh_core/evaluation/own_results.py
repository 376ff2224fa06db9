"""What was measured with the packaged networks, as the page tells it beside the settings.

The numbers come from ``benchmarks/results``; a summary is packaged beside the weights. They hold
for the networks that they name, and for no others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from difficmh_core.config.profiles import Presets
from difficmh_core.weights.network_card import NANO_FOLDER

MEASURED_PATH = NANO_FOLDER / "measured.json"
Point = tuple[float, Mapping[str, float]]
"""A rate [bit per pixel] and what was measured there, by the keys of the metrics."""
_MAIN = "lpips_alex"
"""The metric by which ways of decoding are compared."""
_METRICS = {_MAIN: -1, "dists": -1, "psnr_db": 1}
"""What a preset is chosen by; 1 where higher is better."""
_LEAST_SHARE = 0.01
"""Differences below this share of the value are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a setting changes, by LPIPS.

    Attributes:
        best: The value of the setting with the lowest LPIPS.
        usual: The value that it is compared with.
        best_lpips: LPIPS with the best value.
        usual_lpips: LPIPS with the other one.
        bpp: Of the files [bit per pixel].
        n_photos: Over how many photos the mean is taken.
    """

    best: float
    usual: float
    best_lpips: float
    usual_lpips: float
    bpp: float
    n_photos: int

    @property
    def share(self) -> float:
        """By which part of itself LPIPS falls with the best value."""
        return 1 - self.best_lpips / self.usual_lpips

    @property
    def is_felt(self) -> bool:
        """Whether the difference is more than one of rounding."""
        return self.share >= _LEAST_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEffect:
    """What tags change with one way of decoding.

    Attributes:
        decoding: The way: a preset, or a number of steps from pure noise.
        share: By which part of itself LPIPS falls with tags; below 0 it rises.
        bpp: Of the files [bit per pixel].
        n_photos: Over how many photos the mean is taken.
    """

    decoding: str
    share: float
    bpp: float
    n_photos: int


class OwnResults:
    """The measurements of one set of networks."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Read a summary, see ``tests/packaged_results.py``."""
        self._told = told
        self.n_photos: int = told["n_photos"]
        """Over how many photos the curves are means."""
        self.curves: Mapping[str, Sequence[Point]] = MappingProxyType(
            {codec: tuple(_point(row) for row in rows) for codec, rows in told["curves"].items()}
        )
        """Rate and quality of ours and of others on the same photos, by the codecs' keys."""

    def without_diffusion(self, bpp: float) -> tuple[float, float, float]:
        """The measured rate nearest to one, and LPIPS there with diffusion and without it."""
        pair = [self.curves[key] for key in ("nano-instant", "nano-content")]
        with_it, without = (min(curve, key=lambda at: abs(at[0] - bpp)) for curve in pair)
        return with_it[0], with_it[1][_MAIN], without[1][_MAIN]

    def effect_of_steps(self, start: float) -> Effect:
        """How the best number of steps from a start compares with the largest measured."""
        rows = [row for row in self._told["steps"] if row["start"] == start]
        return _effect(rows, "steps", max(rows, key=lambda row: row["steps"]))

    @property
    def steps_of_guidance(self) -> int:
        """In how many steps from pure noise guidance was measured."""
        steps: int = self._told["guidance"][0]["steps"]
        return steps

    def effect_of_guidance(self) -> Effect:
        """How the best guidance compares with none."""
        rows = self._told["guidance"]
        return _effect(rows, "guidance", min(rows, key=lambda row: row["guidance"]))

    def effects_of_tags(self) -> list[TagEffect]:
        """What tags change, the largest effect first."""
        rows = {(row["settings"], row["tags"]): row for row in self._told["tags"]}
        effects = [
            TagEffect(
                decoding=decoding,
                share=1 - row[_MAIN] / rows[decoding, False][_MAIN],
                bpp=round(row["bpp"], 2),
                n_photos=row["n"],
            )
            for (decoding, has_tags), row in rows.items()
            if has_tags
        ]
        return sorted(effects, key=lambda effect: -abs(effect.share))

    def best_preset(self, presets: Presets) -> str:
        """The preset that is ahead of the others in most metrics, of those that were measured.

        Args:
            presets: By their names.
        """
        rows = {(row["steps"], row["start"]): row for row in self._told["steps"]}
        measured = {
            name: rows[preset.steps, preset.start]
            for name, preset in presets.items()
            if preset.guidance_scale == 1 and (preset.steps, preset.start) in rows
        }
        ahead = dict.fromkeys(measured, 0)
        for key, sign in _METRICS.items():
            ahead[max(measured, key=lambda name: sign * measured[name][key])] += 1
        return max(ahead, key=ahead.__getitem__)


@cache
def own_results() -> OwnResults:
    """The measurements of the packaged networks."""
    return OwnResults(json.loads(MEASURED_PATH.read_text(encoding="utf-8")))


def own_results_of(profile: str) -> OwnResults | None:
    """The measurements of a profile's networks, where there are any."""
    return own_results() if profile == "nano" else None


def _point(row: Mapping[str, float]) -> Point:
    return row["bpp"], {key: value for key, value in row.items() if key != "bpp"}


def _effect(rows: Sequence[Mapping[str, Any]], setting: str, usual: Mapping[str, Any]) -> Effect:
    best = min(rows, key=lambda row: row[_MAIN])
    return Effect(
        best=best[setting],
        usual=usual[setting],
        best_lpips=best[_MAIN],
        usual_lpips=usual[_MAIN],
        bpp=round(best["bpp"], 2),
        n_photos=best["n"],
    )
