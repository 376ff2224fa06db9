"""Options that ``compare`` and ``evaluate`` have: which codecs, metrics and machine tasks."""

import argparse
from collections.abc import Sequence
from math import inf
from pathlib import Path

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.cli.options import add_renamed, add_shared
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.comparison import (
    BASELINES,
    COLOR_METRICS,
    DEFAULT_BASELINES,
    DEFAULT_METRICS,
    DEFAULT_TASKS,
    METRIC_NAMES,
    TASK_NAMES,
)
from difficmh_core.errors import ConfigError

OPTIMIZED_OPTION = "-optimized"
"""How the name of a codec of ours ends whose latents are optimized."""
_DEFAULT_CODECS = (*DEFAULT_BASELINES, "nano-instant")
DEFAULT_RATES = (0.03, 0.06, 0.12)
NONE = ["none"]
"""What a list of names says that is empty."""


def add_codec_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that both commands have."""
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=list(_DEFAULT_CODECS),
        metavar="NAME",
        help=f"{', '.join(BASELINES)}, or a profile with a preset or 'content', such as "
        f"nano-instant (nano alone is the same); append {OPTIMIZED_OPTION} for latent "
        f"optimization, which rows call -refined (default {' '.join(_DEFAULT_CODECS)})",
    )
    add_renamed(
        parser,
        "--iterations",
        type=int,
        default=OptimizationSettings().iterations,
        help=f"iterations of latent optimization, for names ending in {OPTIMIZED_OPTION} "
        "(default %(default)s)",
    )
    add_measures(parser)
    add_shared(parser, "--rate", "--device")
    parser.add_argument("--vtm", type=Path, help="folder of a VTM build, to use instead of VVenC")
    parser.add_argument(
        "--vvc-preset", default="fast", help="preset of VVenC (default %(default)s)"
    )
    parser.add_argument(
        "--elic",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="files of published ELIC weights, lowest rate first (default: the reduced ELIC "
        "that is packaged)",
    )
    add_shared(parser, "--cache-dir")
    parser.set_defaults(cache_dir=cache_folder())


class _Metrics(argparse.Action):
    """Takes names of metrics; nothing else is measured then."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep the names, and take back what is measured unless there are any."""
        namespace.metrics, namespace.color_metrics = values, ()


def add_measures(parser: argparse.ArgumentParser) -> None:
    """Add what is measured of each image: metrics, and tasks for machines."""
    metrics = (*METRIC_NAMES, "or names of metrics in pyiqa")
    usual = (*DEFAULT_METRICS, *COLOR_METRICS)
    parser.add_argument(
        "--metrics",
        action=_Metrics,
        nargs="+",
        default=list(DEFAULT_METRICS),
        metavar="NAME",
        help=_list_help("metrics of each image", usual, metrics),
    )
    parser.set_defaults(color_metrics=COLOR_METRICS)
    add_names(parser, "tasks", "machine tasks", DEFAULT_TASKS, TASK_NAMES)


def add_names(
    parser: argparse.ArgumentParser,
    option: str,
    what: str,
    default: Sequence[str],
    names: Sequence[str],
) -> None:
    """Add an option that takes several names, or ``none``."""
    parser.add_argument(
        f"--{option}",
        nargs="+",
        default=list(default),
        metavar="NAME",
        help=_list_help(what, default, names),
    )


def _list_help(what: str, default: Sequence[str], names: Sequence[str]) -> str:
    return f"{what}: {', '.join(names)}; or none (default {' '.join(default)})"


def named(given: Sequence[str]) -> tuple[str, ...]:
    """The names in such an option, each once."""
    return () if given == NONE else tuple(dict.fromkeys(given))


def check_rates(rates: Sequence[float]) -> None:
    """Refuse a rate that no file can have.

    Raises:
        ConfigError: If there is one.
    """
    if rates and not 0 < min(rates) <= max(rates) < inf:
        raise ConfigError(f"Rates are bits per pixel above 0, got {min(rates):g}.")
