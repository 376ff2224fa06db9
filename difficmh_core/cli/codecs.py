"""The codecs and the evaluator that ``compare`` and ``evaluate`` were asked for."""

import argparse
from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial

from difficmh_core.cli.codec_options import OPTIMIZED_OPTION, named
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import PROFILE_NAMES, preset_of
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.evaluation.codecs import (
    OPTIMIZED,
    AbsentCodec,
    ComparedCodec,
    OptimizedSearch,
    OurCodec,
    find_codecs,
)
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.latent_optimization import LatentOptimizer
from difficmh_core.models.load import load_codec

_CONTENT = "content"
"""The content latent decoded without diffusion, which is no preset."""
_WITHOUT_DIFFUSION = DecodeSettings(
    steps=1, guidance_scale=2.0, sampler=SamplerName.DPM_SOLVER, realism=0.0
)
"""At realism 0 nothing else counts; the rest stays as it is in the names of measured rows."""


def evaluator_of(arguments: argparse.Namespace, *, also: Sequence[str] = ()) -> Evaluator:
    """Return the evaluator that takes the chosen measures.

    Args:
        arguments: Of the command line.
        also: Tasks that are asked for, whether they were chosen or not.
    """
    metrics = (*named(arguments.metrics), *arguments.color_metrics)
    tasks = tuple(dict.fromkeys((*named(arguments.tasks), *also)))
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
    if key.endswith(OPTIMIZED_OPTION):
        key = key.removesuffix(OPTIMIZED_OPTION) + OPTIMIZED
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
