"""What ``compare`` and ``evaluate`` have in common: which codecs, measures and machine tasks."""

import argparse
from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from math import inf
from pathlib import Path

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.presets import preset_of
from difficmh_core.config.profiles import DEFAULT_RATE, PROFILE_NAMES, RATE_HELP
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.evaluation.codecs import (
    BASELINES,
    OPTIMIZED,
    AbsentCodec,
    ComparedCodec,
    OptimizedSearch,
    OurCodec,
    find_codecs,
)
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.latent_optimization import LatentOptimizer, OptimizationSettings
from difficmh_core.models.load import load_codec
from difficmh_core.quality.metrics import DEFAULT_METRICS, PICTURE_METRICS
from difficmh_core.vision.task_table import DEFAULT_TASKS, TASKS

_OPTIMIZED = "-optimized"
"""What stands for :data:`OPTIMIZED` on command lines; both are taken."""
_CONTENT = "content"
"""The content latent decoded without diffusion, which is no preset."""
_WITHOUT_DIFFUSION = DecodeSettings(
    steps=1, guidance_scale=2.0, sampler=SamplerName.DPM_SOLVER, realism=0.0
)
"""At realism 0 nothing else counts; the rest stays as it is in the names of measured rows."""
_DEFAULT_CODECS = (*BASELINES, "nano-instant")
DEFAULT_RATES = (0.03, 0.06, 0.12)
NONE = ["none"]
"""What a list of names says that is empty."""


def add_codec_options(parser: argparse.ArgumentParser, cache_dir: Path) -> None:
    """Add the options that both commands have.

    Args:
        parser: Of the command.
        cache_dir: Where fetched files lie unless an option names another folder.
    """
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=list(_DEFAULT_CODECS),
        metavar="NAME",
        help=f"{', '.join(BASELINES)}, or a profile with a preset or 'content', such as "
        f"nano-instant (nano alone is the same); append {_OPTIMIZED} for latent "
        f"optimization (default {' '.join(_DEFAULT_CODECS)})",
    )
    parser.add_argument(
        "--iterations",
        type=int,
        default=OptimizationSettings().iterations,
        help=f"iterations of latent optimization, for names ending in {_OPTIMIZED} "
        "(default %(default)s)",
    )
    # The option's name before.
    parser.add_argument(
        "--passes",
        type=int,
        dest="iterations",
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=list(DEFAULT_METRICS),
        metavar="NAME",
        help=f"measures of each image: {', '.join(PICTURE_METRICS)}, or names of metrics in "
        f"pyiqa; or none (default {' '.join(DEFAULT_METRICS)})",
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=list(DEFAULT_TASKS),
        metavar="NAME",
        help=f"machine tasks: {', '.join(TASKS)}; or none (default {' '.join(DEFAULT_TASKS)})",
    )
    parser.add_argument("--rate", type=int, default=DEFAULT_RATE, help=RATE_HELP)
    parser.add_argument(
        "--device",
        default="cpu",
        choices=("cpu", "cuda"),
        help="where the networks run (default %(default)s)",
    )
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
    parser.add_argument(
        "--cache-dir", type=Path, default=cache_dir, help="folder of downloaded files"
    )


def check_rates(rates: Sequence[float]) -> None:
    """Refuse a rate that no file can have.

    Raises:
        ConfigError: If there is one.
    """
    if rates and not 0 < min(rates) <= max(rates) < inf:
        raise ConfigError(f"Rates are bits per pixel above 0, got {min(rates):g}.")


def evaluator_of(arguments: argparse.Namespace) -> Evaluator:
    """Return the evaluator that takes the chosen measures."""
    metrics, tasks = (
        () if names == NONE else tuple(dict.fromkeys(names))
        for names in (arguments.metrics, arguments.tasks)
    )
    return Evaluator(arguments.cache_dir, metrics, tasks)


def chosen_codecs(arguments: argparse.Namespace) -> dict[str, ComparedCodec]:
    """Return the codecs by their keys in the order in which they were chosen, absent ones too.

    Raises:
        ConfigError: If there is no such codec, or none of them is available.
        DiffICMHError: If our networks cannot be loaded.
    """
    keys = list(dict.fromkeys(map(full_key, arguments.codecs)))
    load = cache(partial(_Loaded, arguments))
    ours = {key: _maker(key, load) for key in keys if key.partition("-")[0] in PROFILE_NAMES}
    found = find_codecs(
        keys,
        ours,
        arguments.cache_dir,
        vtm=arguments.vtm,
        vvc_preset=arguments.vvc_preset,
        elic=arguments.elic,
    )
    reasons = [codec.reason for codec in found.values() if isinstance(codec, AbsentCodec)]
    if len(reasons) == len(found):
        raise ConfigError(f"None of the chosen codecs is available. {' '.join(reasons)}")
    return found


def full_key(key: str) -> str:
    """Call a codec by its full key: a profile alone decodes with one step."""
    if key.endswith(_OPTIMIZED):
        key = key.removesuffix(_OPTIMIZED) + OPTIMIZED
    profile = key.removesuffix(OPTIMIZED)
    return f"{profile}-instant{key.removeprefix(profile)}" if profile in PROFILE_NAMES else key


class _Loaded:
    """One profile's codec, with the searches that its ways of decoding share."""

    def __init__(self, arguments: argparse.Namespace, profile: str) -> None:
        folder = arguments.cache_dir
        self.codec = load_codec(
            profile, device=arguments.device, cache_dir=folder, rate=arguments.rate
        )
        self.search = self.codec.rate_search()
        self._asked = OptimizationSettings(iterations=arguments.iterations), folder

    @cached_property
    def optimized(self) -> OptimizedSearch:
        asked, folder = self._asked
        return OptimizedSearch(LatentOptimizer(self.codec, asked, cache_dir=folder), self.search)


def _maker(key: str, load: Callable[[str], _Loaded]) -> Callable[[], ComparedCodec]:
    """Return what makes a codec of ours, once its way of decoding is known to be one."""
    profile, _, label = key.removesuffix(OPTIMIZED).partition("-")
    settings = _WITHOUT_DIFFUSION if label == _CONTENT else preset_of(profile, label)

    def make() -> ComparedCodec:
        loaded = load(profile)
        try:
            search = loaded.optimized if key.endswith(OPTIMIZED) else loaded.search
        except BackendUnavailableError as error:
            return AbsentCodec(key, str(error))
        return OurCodec(loaded.codec, label, settings, search)

    return make
