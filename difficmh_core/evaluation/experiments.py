"""Experiments on one photograph: coded and decoded in several ways, each measured.

An experiment is a list of variants: guidance x steps, tags on and off, several seeds, several
qualities. A variant is one way to code and decode.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import Encoded
from difficmh_core.config.decoding import DecodeSettings, controls_of
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag

__all__ = [
    "EXPERIMENTS",
    "DecodingState",
    "ExperimentInput",
    "ExperimentRequest",
    "ExperimentResult",
    "PhotoCoder",
    "Variant",
    "plan",
    "run_variant",
    "uncertainty",
]

_COLORS = np.array(
    [[0, 0, 0], [60, 15, 110], [150, 45, 110], [225, 95, 60], [250, 190, 60], [255, 255, 255]]
)
"""From black (the seeds agree) to white, growing lighter all the way, for every eye."""
_PEAK_PERCENTILE = 99.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest:
    """Which experiment, and what it goes through.

    Attributes:
        experiment: Key of :data:`EXPERIMENTS`.
        guidances: Of the grid.
        steps: Of the grid.
        n_seeds: How many seeds.
        qualities: Of the sweep.
    """

    experiment: str
    guidances: tuple[float, ...] = (1.0, 2.0, 5.0)
    steps: tuple[int, ...] = (1, 2, 4)
    n_seeds: int = 4
    qualities: tuple[float, ...] = (0, 25, 50, 75, 100)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExperimentInput:
    """A photograph with its file.

    Attributes:
        image: The photograph.
        encoded: Its file.
        settings: How it is decoded, but for what an experiment changes.
    """

    image: Image.Image
    encoded: Encoded
    settings: DecodeSettings

    @property
    def quality(self) -> float:
        """Of the file, 0 to 100."""
        return self.encoded.stream.quality


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
        values: Every measure, by its key.
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


@runtime_checkable
class DecodingState(Protocol):
    """The state of one decoding."""

    @property
    def index(self) -> int:
        """Steps done."""

    @property
    def total(self) -> int:
        """Steps in all."""

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""

    @property
    def image(self) -> Image.Image | None:
        """The decoded picture; ``None`` before the last step."""

    @property
    def png(self) -> bytes:
        """The same as a file."""


@runtime_checkable
class PhotoCoder(Protocol):
    """Codes, decodes and measures one photograph; it may keep what it has done before."""

    def encode(self, quality: float, tags: Sequence[Tag]) -> Encoded:
        """Code the photograph at a quality, 0 to 100, with these tags."""

    def decode(self, stream: Bitstream, settings: DecodeSettings) -> Iterator[DecodingState]:
        """Yield the state of decoding after each step; the last one holds the picture."""

    def measure(self, decoded: Image.Image) -> Mapping[str, float]:
        """Return every measure of a decoded picture, by its key."""


def plan(asked: ExperimentRequest, given: ExperimentInput, *, has_rates: bool) -> list[Variant]:
    """Return the variants of an experiment.

    Args:
        asked: Which experiment, and what it goes through.
        given: The photograph and its file.
        has_rates: Whether the networks code at several qualities.

    Raises:
        ConfigError: If there is no such experiment, or a setting has no value.
    """
    if asked.experiment not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise ConfigError(f"There is no experiment {asked.experiment!r}. Choose one of {known}.")
    if asked.experiment == SWEEP and not has_rates:
        raise ConfigError("These networks have only one rate, so there is no curve to draw.")
    same = Variant(
        experiment=asked.experiment,
        key="same",
        label="Same",
        quality=given.quality,
        tags=given.encoded.tags,
        settings=given.settings,
    )
    variants = list(EXPERIMENTS[asked.experiment](asked, same))
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
        label = f"Quality {quality:g}"
        yield replace(same, key=f"q{quality:g}", label=label, quality=quality)


SWEEP = "sweep"
EXPERIMENTS: Mapping[str, Callable[[ExperimentRequest, Variant], Iterator[Variant]]] = (
    MappingProxyType({"grid": _grid, "tags": _tags, "seeds": _seeds, SWEEP: _sweep})
)
"""Every experiment by its key: it changes what the file and its decoding have in common."""


def run_variant(coder: PhotoCoder, variant: Variant) -> Iterator[DecodingState | ExperimentResult]:
    """Yield the state of decoding after each step, then what the variant gave."""
    encoded = coder.encode(variant.quality, variant.tags)
    last: DecodingState | None = None
    for last in coder.decode(encoded.stream, variant.settings):
        yield last
    if last is None or last.image is None:
        raise RuntimeError("decoding ended without an image")
    yield ExperimentResult(
        variant=variant,
        image=last.image,
        png=last.png,
        n_bytes=encoded.stream.n_bytes,
        bpp=encoded.stream.bpp,
        seconds=last.seconds,
        values=coder.measure(last.image),
    )


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
