"""The codecs of a comparison: ours with its decoding settings, and the others."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Protocol, runtime_checkable

from PIL import Image

from difficmh_core.baselines.baseline import Baseline, CodedPicture, best_within
from difficmh_core.baselines.pillow_codecs import avif, jpeg, jpeg_xl, webp
from difficmh_core.baselines.vvc import find_vvc
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config import DecodeSettings
from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ConfigError,
    ProgramError,
)

__all__ = ["BASELINES", "Contender", "OtherCodec", "OurCodec", "find_baselines"]

BASELINES = ("jpeg", "webp", "avif", "jxl", "vvc")
"""Keys of the codecs beside ours."""


@runtime_checkable
class Contender(Protocol):
    """A codec in a comparison.

    Attributes:
        key: How command lines and tables name it.
        name: How people name it, the real encoder and its settings included.
        version: Of the encoder.
    """

    key: str
    name: str
    version: str

    def code(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Return the best file of so many bytes, or the smallest there is, marked so."""

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a file."""


class OtherCodec:
    """A baseline in a comparison."""

    def __init__(self, baseline: Baseline) -> None:
        """Wrap a baseline."""
        self.key, self.name, self.version = baseline.key, baseline.name, baseline.version
        self._baseline = baseline

    def code(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Return the best file of so many bytes; as :func:`best_within`."""
        return best_within(self._baseline, image, n_bytes)

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a file; as :meth:`Baseline.decode`."""
        return self._baseline.decode(data)


class OurCodec:
    """One profile with one way of decoding; the file is the same for all of them."""

    def __init__(self, codec: DiffICMHCodec, label: str, settings: DecodeSettings) -> None:
        """Wrap a codec.

        Args:
            codec: Loaded and ready.
            label: What its decoding is called, a preset or ``content``.
            settings: How to decode.
        """
        profile = codec.config.profile
        self.key = f"{profile}-{label}"
        self.name = f"Diff-ICMH {profile}, {label}"
        self.version = codec.fingerprint.hex()
        self._codec = codec
        self._settings = settings

    def code(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Return the best file of so many bytes, or the smallest there is."""
        lowest = None if self._codec.config.rate is not None else 0.0
        began = perf_counter()
        coded = self._codec.encode(image, quality=lowest)
        fits = len(coded.data) <= n_bytes
        if fits and lowest is not None:
            began = perf_counter()
            coded = self._codec.encode(image, target_bytes=n_bytes)
        return CodedPicture(
            data=coded.data,
            setting=float(coded.stream.quality_level),
            fits=fits,
            seconds=perf_counter() - began,
        )

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a file."""
        return self._codec.decode_image(data, self._settings)


def find_baselines(
    keys: Sequence[str], cache_dir: Path, *, vtm: Path | None = None, vvc_preset: str = "fast"
) -> tuple[list[OtherCodec], dict[str, str]]:
    """Return the baselines that are there, and why the others are not.

    Args:
        keys: Which of :data:`BASELINES`.
        cache_dir: Where fetched files lie.
        vtm: VTM's folder; ``None`` takes VVenC.
        vvc_preset: VVenC's.

    Returns:
        The codecs, and for each absent one by its key a sentence that says how to get it.

    Raises:
        ConfigError: If there is no such codec.
    """
    makers: Mapping[str, Callable[[], Baseline]] = {
        "jpeg": jpeg,
        "webp": webp,
        "avif": avif,
        "jxl": jpeg_xl,
        "vvc": lambda: find_vvc(cache_dir, vtm=vtm, preset=vvc_preset),
    }
    found, absent = list[OtherCodec](), dict[str, str]()
    for key in keys:
        if key not in makers:
            raise ConfigError(f"There is no codec {key!r}. Choose of {', '.join(BASELINES)}.")
        try:
            found.append(OtherCodec(makers[key]()))
        except (BackendUnavailableError, CheckpointError, ProgramError) as error:
            absent[key] = str(error)
    return found, absent
