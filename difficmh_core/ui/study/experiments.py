"""What a study does: one photograph, coded and decoded in several ways, each measured.

A trial is one way. An experiment is a list of trials: guidance x steps, tags on and off, several
seeds, several qualities.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from difficmh_core.codec import Encoded
from difficmh_core.config.decoding import DecodeSettings, controls_of
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.ui.study import texts

__all__ = ["Finished", "StudyWish", "Subject", "Trial", "plan", "run_trial", "uncertainty"]

_COLORS = np.array(
    [[0, 0, 0], [60, 15, 110], [150, 45, 110], [225, 95, 60], [250, 190, 60], [255, 255, 255]]
)
"""From black (the seeds agree) to white, growing lighter all the way, for every eye."""
_PEAK_PERCENTILE = 99.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWish:
    """What a visitor wants to know.

    Attributes:
        experiment: Key of :data:`difficmh_core.ui.study.texts.EXPERIMENTS`.
        guidances: Of the grid.
        steps: Of the grid.
        n_seeds: How many seeds.
        qualities: Of the sweep.
    """

    experiment: str
    guidances: tuple[float, ...] = texts.GUIDANCES_CHOSEN
    steps: tuple[int, ...] = texts.STEPS_CHOSEN
    n_seeds: int = 4
    qualities: tuple[float, ...] = texts.QUALITY_CHOICES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is studied.

    Attributes:
        photo: The photograph.
        image: Its pixels.
        encoded: Its file, as the visitor made it.
        settings: How the visitor decodes it.
    """

    photo: Photo
    image: Image.Image
    encoded: Encoded
    settings: DecodeSettings

    @property
    def quality(self) -> float:
        """Of the file, 0 to 100."""
        return self.encoded.stream.quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One way to code and decode the photograph.

    Attributes:
        experiment: Which question it belongs to.
        key: Names it among the trials of the question.
        label: What the page calls it.
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
class Finished:
    """What a trial gave.

    Attributes:
        trial: The trial.
        image: The decoded picture.
        png: The same as a file.
        n_bytes: Size of the coded file [bytes].
        bpp: The same per pixel [bit].
        seconds: Time to decode [s].
        values: Every measure, by its key.
    """

    trial: Trial
    image: Image.Image
    png: bytes
    n_bytes: int
    bpp: float
    seconds: float
    values: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Return everything but the picture, as a line of a table."""
        trial = self.trial
        return {
            "experiment": trial.experiment,
            "label": trial.label,
            "quality": round(trial.quality, 2),
            "tags": " ".join(tag.name.replace(" ", "_") for tag in trial.tags),
            "n_tags": len(trial.tags),
            **controls_of(trial.settings),
            "n_bytes": self.n_bytes,
            "bpp": round(self.bpp, 6),
            "seconds": round(self.seconds, 3),
            **{key: round(value, 6) for key, value in self.values.items()},
        }


def plan(subject: Subject, wish: StudyWish, *, has_rates: bool) -> list[Trial]:
    """Return the trials of an experiment.

    Args:
        subject: What is studied.
        wish: What the visitor wants to know.
        has_rates: Whether the networks code at several qualities.

    Raises:
        ConfigError: If there is no such experiment, or a setting has no value.
    """
    settings, tags = subject.settings, subject.encoded.tags

    def trial(key: str, label: str, **changes: Any) -> Trial:  # noqa: ANN401 (a trial's fields)
        usual: dict[str, Any] = {"quality": subject.quality, "tags": tags, "settings": settings}
        return Trial(experiment=wish.experiment, key=key, label=label, **(usual | changes))

    if wish.experiment == "grid":
        trials = [
            trial(
                f"g{guidance:g}-s{steps}",
                texts.CELL.format(guidance=guidance, steps=steps),
                settings=replace(settings, guidance_scale=guidance, steps=steps),
            )
            for steps in wish.steps
            for guidance in wish.guidances
        ]
    elif wish.experiment == "tags":
        trials = [trial("on", texts.TAGS_ON), trial("off", texts.TAGS_OFF, tags=())]
    elif wish.experiment == "seeds":
        trials = [
            trial(f"seed{n}", texts.SEED.format(seed=n), settings=replace(settings, seed=n))
            for n in range(1, wish.n_seeds + 1)
        ]
    elif wish.experiment == "sweep":
        if not has_rates:
            raise ConfigError(texts.ONE_RATE)
        trials = [
            trial(f"q{quality:g}", texts.QUALITY.format(quality=quality), quality=quality)
            for quality in wish.qualities
        ]
    else:
        known = ", ".join(texts.EXPERIMENT_NAMES)
        raise ConfigError(texts.NO_SUCH_EXPERIMENT.format(key=wish.experiment, known=known))
    if not trials:
        raise ConfigError(texts.NOTHING_CHOSEN)
    return trials


def run_trial(
    workshop: CodecService, subject: Subject, trial: Trial
) -> Iterator[Decoding | Finished]:
    """Yield the state of decoding after each step, then what the trial gave."""
    wish = CodingRequest(quality=trial.quality, target_bytes=None, send_tags=True, tags=())
    encoded = workshop.encode(subject.photo, subject.image, wish, trial.tags)
    last: Decoding | None = None
    for last in workshop.decode(encoded.stream, trial.settings):
        yield last
    if last is None or last.image is None:
        raise RuntimeError("decoding ended without a picture")
    seen = workshop.evaluator.look_at(last.image)
    values = workshop.evaluator.measure(workshop.features(subject.photo, subject.image), seen)
    yield Finished(
        trial=trial,
        image=last.image,
        png=last.png,
        n_bytes=encoded.stream.n_bytes,
        bpp=encoded.stream.bpp,
        seconds=last.seconds,
        values=values,
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
