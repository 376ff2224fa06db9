"""What a setting does with the networks of the page, as it was measured, in a sentence each."""

from functools import cache

from difficmh_core.config.profiles import presets_of
from difficmh_core.evaluation.own_results import OwnResults, TagEffect, own_results_of
from difficmh_core.ui import texts

_LITTLE = 0.02
"""Below this share of LPIPS, a change is called little."""


@cache
def hints_of(profile: str) -> dict[str, str]:
    """The sentences by the names of the settings, for networks that were measured.

    Args:
        profile: Of the networks.
    """
    results = own_results_of(profile)
    if results is None:
        return {}
    return {
        "steps": _hint_of_steps(results, presets_of(profile)["instant"].start),
        "guidance_scale": _hint_of_guidance(results),
        "tags": _hint_of_tags(results.effects_of_tags()),
    }


def _hint_of_steps(results: OwnResults, start: float) -> str:
    effect = results.effect_of_steps(start)
    words = texts.HINT_STEPS if effect.best < effect.usual else texts.HINT_STEPS_HELP
    return words.format(
        best=texts.count(int(effect.best), "step"),
        usual=texts.count(int(effect.usual), "step"),
        best_lpips=effect.best_lpips,
        usual_lpips=effect.usual_lpips,
        n_photos=effect.n_photos,
    )


def _hint_of_guidance(results: OwnResults) -> str:
    effect = results.effect_of_guidance()
    words = texts.HINT_GUIDANCE if effect.is_felt else texts.HINT_GUIDANCE_NONE
    return words.format(
        steps=results.steps_of_guidance,
        best=f"{effect.best:g}",
        percent=f"{100 * effect.share:.0f}",
    )


def _hint_of_tags(effects: list[TagEffect]) -> str:
    """Say what tags do: the largest effect comes first."""
    largest = effects[0]
    if abs(largest.share) < _LITTLE:
        words = texts.HINT_TAGS_LITTLE
    else:
        words = texts.HINT_TAGS if largest.share > 0 else texts.HINT_TAGS_WORSE
    return words.format(
        decoding=texts.DECODINGS[largest.decoding],
        percent=f"{100 * abs(largest.share):.0f}",
        bpp=f"{largest.bpp:g}",
        n_photos=largest.n_photos,
    )
