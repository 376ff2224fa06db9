"""Experiments on one photograph: coded and decoded in several ways, each measured.

An experiment is a list of variants: guidance x steps, tags on and off, several seeds, several
qualities. A variant is one way to code and decode.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from difficmh_core.config.decoding import DecodeSettings, controls_of
from difficmh_core.config.experiments import ExperimentRequest
from difficmh_core.encoding import Encoded, level_of
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag

_COLORS = np.array(
    [[0, 0, 0], [60, 15, 110], [150, 45, 110], [225, 95, 60], [250, 190, 60], [255, 255, 255]]
)
"""From black (the seeds agree) to white, growing lighter all the way, for every eye."""
_PEAK_PERCENTILE = 99.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to code and decode the photograph.

    Attributes:
        experiment: Key of the experiment that it belongs to.
        key: Names it among the variants of the experiment.
        label: How people name it.
        quality: 0 to 100.
        tags: Of the file.
        settings: How it is decoded.
    """

    experiment: str
    key: str
    label: str
    quality: float
    tags: tuple[Tag, ...]
    settings: DecodeSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExperimentResult:
    """What a variant gave.

    Attributes:
        variant: The variant.
        image: The decoded picture.
        png: The same as a file.
        n_bytes: Size of the coded file [bytes].
        bpp: The same per pixel [bit].
        seconds: Time to decode [s].
        values: Every metric, by its key.
    """

    variant: Variant
    image: Image.Image
    png: bytes
    n_bytes: int
    bpp: float
    seconds: float
    values: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Return everything but the picture, as a line of a table."""
        variant = self.variant
        return {
            "experiment": variant.experiment,
            "label": variant.label,
            "quality": round(variant.quality, 2),
            "tags": " ".join(tag.name.replace(" ", "_") for tag in variant.tags),
            "n_tags": len(variant.tags),
            **controls_of(variant.settings),
            "n_bytes": self.n_bytes,
            "bpp": round(self.bpp, 6),
            "seconds": round(self.seconds, 3),
            **{key: round(value, 6) for key, value in self.values.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One question about a photograph.

    Attributes:
        key: Names it in rows, files and requests.
        name: How people name it.
        explanation: What it does.
        variants: Changes what the file and its decoding have in common.
        options: What it goes through, fields of :class:`ExperimentRequest`.
        needs_rates: Whether the networks must code at several qualities.
    """

    key: str
    name: str
    explanation: str
    variants: Callable[[ExperimentRequest, Variant], Iterator[Variant]]
    options: tuple[str, ...] = ()
    needs_rates: bool = False


def plan(
    asked: ExperimentRequest, encoded: Encoded, settings: DecodeSettings, *, has_rates: bool
) -> list[Variant]:
    """Return the variants of an experiment.

    Args:
        asked: Which experiment, and what it goes through.
        encoded: The photograph's file.
        settings: How it is decoded, but for what the experiment changes.
        has_rates: Whether the networks code at several qualities.

    Raises:
        ConfigError: If there is no such experiment, or a setting has no value or one out of
            range.
    """
    experiment = EXPERIMENTS.get(asked.experiment)
    if experiment is None:
        known = ", ".join(EXPERIMENTS)
        raise ConfigError(f"There is no experiment {asked.experiment!r}. Choose one of {known}.")
    if experiment.needs_rates and not has_rates:
        raise ConfigError("These networks have only one rate, so there is no curve to draw.")
    same = Variant(
        experiment=experiment.key,
        key="same",
        label="Same",
        quality=encoded.stream.quality,
        tags=encoded.tags,
        settings=settings,
    )
    variants = list(experiment.variants(asked, same))
    if not variants:
        raise ConfigError("Choose at least one value of each setting.")
    return variants


def _grid(asked: ExperimentRequest, same: Variant) -> Iterator[Variant]:
    for steps in asked.steps:
        for guidance in asked.guidances:
            yield replace(
                same,
                key=f"g{guidance:g}-s{steps}",
                label=f"guidance {guidance:g}, {steps} steps",
                settings=replace(same.settings, guidance_scale=guidance, steps=steps),
            )


def _tags(_: ExperimentRequest, same: Variant) -> Iterator[Variant]:
    yield replace(same, key="on", label="Tags on")
    yield replace(same, key="off", label="Tags off", tags=())


def _seeds(asked: ExperimentRequest, same: Variant) -> Iterator[Variant]:
    for seed in range(1, asked.n_seeds + 1):
        settings = replace(same.settings, seed=seed)
        yield replace(same, key=f"seed{seed}", label=f"Seed {seed}", settings=settings)


def _sweep(asked: ExperimentRequest, same: Variant) -> Iterator[Variant]:
    for quality in asked.qualities:
        level_of(quality, None)  # refuses what is out of range
        label = f"Quality {quality:g}"
        yield replace(same, key=f"q{quality:g}", label=label, quality=quality)


_ALL = (
    Experiment(
        key="grid",
        name="Guidance and steps",
        explanation="Decodes the same file once for each combination of guidance and steps.",
        variants=_grid,
        options=("guidances", "steps"),
    ),
    Experiment(
        key="tags",
        name="Tags on and off",
        explanation="Decodes the same photo with and without its tags, with the same settings.",
        variants=_tags,
    ),
    Experiment(
        key="seeds",
        name="Uncertainty of the decoder",
        explanation="Decodes the same file from several seeds. Where the images differ, the "
        "decoder guesses; the map shows the standard deviation of each pixel.",
        variants=_seeds,
        options=("n_seeds",),
    ),
    Experiment(
        key="sweep",
        name="Quality and file size",
        explanation="Compresses the photo at several qualities and shows published results of "
        "other codecs beside it. Those are means over the 24 images of the Kodak set, so they are "
        "only a rough guide.",
        variants=_sweep,
        options=("qualities",),
        needs_rates=True,
    ),
)
EXPERIMENTS = MappingProxyType({experiment.key: experiment for experiment in _ALL})
"""Every experiment by its key, as :data:`EXPERIMENT_NAMES` lists them."""


def uncertainty(pictures: Sequence[Image.Image]) -> tuple[Image.Image, Image.Image, float]:
    """Return the mean picture, the map of the standard deviation, and its peak [levels].

    Args:
        pictures: Decoded from the same file with different seeds; two at least.
    """
    values = np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures])
    mean = Image.fromarray((values.mean(axis=0) + 0.5).clip(0, 255).astype(np.uint8))
    deviation = values.std(axis=0, ddof=1).mean(axis=-1)  # (height, width), mean over channels
    peak = max(float(np.percentile(deviation, _PEAK_PERCENTILE)), 1.0)
    places = (deviation / peak).clip(0, 1) * (len(_COLORS) - 1)
    colored = np.stack(
        [np.interp(places, range(len(_COLORS)), _COLORS[:, channel]) for channel in range(3)],
        axis=-1,
    )
    return mean, Image.fromarray((colored + 0.5).astype(np.uint8)), peak
