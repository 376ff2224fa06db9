"""The codecs of a comparison: ours with its decoding settings, and the others."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, Protocol, runtime_checkable

from PIL import Image

from difficmh_core.baselines.baseline import Baseline
from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.comparison import BASELINES
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ConfigError,
    ProgramError,
)
from difficmh_core.latent_optimization import LatentOptimizer, levels_near
from difficmh_core.models.model_key import model_key
from difficmh_core.rate_control import CodedPicture, RateSearch

_N_VERSION_DIGITS = 8
OPTIMIZED = "-refined"
"""How keys of ours end where latents are optimized: results are kept by them."""


@runtime_checkable
class ComparedCodec(Protocol):
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
        """Find the best file of so many bytes; as :meth:`RateSearch.best_within`."""

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a file."""


class OptimizedSearch:
    """A search whose files have optimized latents; each file of the last picture is made once."""

    def __init__(self, optimizer: LatentOptimizer, search: RateSearch) -> None:
        """Begin with no file made.

        Args:
            optimizer: Of the same codec.
            search: Its files say at which level a latent is optimized.
        """
        self.iterations = optimizer.settings.iterations
        self._optimizer, self._search = optimizer, search
        self._image: Image.Image | None = None
        self._files = dict[int, CodedPicture]()

    def best_within(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Return the best file of so many bytes; as :meth:`RateSearch.best_within`.

        If none fits, it is the file without optimization.
        """
        if image is not self._image:
            self._image, self._files = image, {}
        if n_bytes not in self._files:
            plain = self._search.best_within(image, n_bytes)
            self._files[n_bytes] = self._optimized(image, plain, n_bytes) if plain.fits else plain
        return self._files[n_bytes]

    def _optimized(self, image: Image.Image, plain: CodedPicture, n_bytes: int) -> CodedPicture:
        level = int(plain.setting)

        def open_picture(image: Image.Image) -> Callable[[int], bytes]:
            at_level = self._optimizer.coder(image, level)
            return lambda other: at_level(other).data

        near = levels_near(level, self._optimizer.codec.config.rate)
        coded = RateSearch(open_picture, near).best_within(image, n_bytes)
        # The time of the optimization counts, though nothing came of it.
        return coded if coded.fits else replace(plain, seconds=coded.seconds)


class OurCodec:
    """One profile with one way of decoding; the file is the same for all of them."""

    def __init__(
        self,
        codec: DiffICMHCodec,
        label: str,
        settings: DecodeSettings,
        search: RateSearch | OptimizedSearch | None = None,
    ) -> None:
        """Wrap a codec.

        Args:
            codec: Loaded and ready.
            label: What its decoding is called, a preset or ``content``.
            settings: How to decode.
            search: Finds the files, where several ways of decoding share them.
        """
        profile = codec.config.profile
        self.key = f"{profile}-{label}"
        self.name = f"Diff-ICMH {profile}, {label}"
        decoder = hashlib.sha256(f"{model_key(codec)} {settings}".encode()).hexdigest()
        self.version = f"{codec.fingerprint.hex()}, decoder {decoder[:_N_VERSION_DIGITS]}"
        if isinstance(search, OptimizedSearch):
            self.key += OPTIMIZED
            self.name += ", optimized"
            self.version += f", {search.iterations} passes"
        self._codec = codec
        self._settings = settings
        self._search = search or codec.rate_search()

    def code(self, image: Image.Image, n_bytes: int) -> CodedPicture:
        """Return the best file of so many bytes, or the smallest there is."""
        return self._search.best_within(image, n_bytes)

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture of a file."""
        return self._codec.decode_image(data, self._settings)


class AbsentCodec:
    """A codec that is not at hand: in a comparison its line says how to get it."""

    version = ""

    def __init__(self, key: str, reason: str) -> None:
        """Keep what to say.

        Args:
            key: How command lines and tables name it.
            reason: Why it is absent, and how to get it.
        """
        self.key, self.name = key, key
        self.reason = reason

    def code(self, *_: object) -> NoReturn:
        """Say why there is neither file nor picture.

        Raises:
            BackendUnavailableError: Always.
        """
        raise BackendUnavailableError(self.reason)

    decode = code


def find_codecs(
    keys: Sequence[str],
    ours: Mapping[str, Callable[[], ComparedCodec]],
    cache_dir: Path,
    *,
    vtm: Path | None = None,
    vvc_preset: str = "fast",
    elic: Sequence[Path] = (),
) -> dict[str, ComparedCodec]:
    """Return the chosen codecs by their keys; a baseline not at hand is an :class:`AbsentCodec`.

    Args:
        keys: Which, of ours and :data:`BASELINES`.
        ours: What makes each of ours.
        cache_dir: Where fetched files lie.
        vtm: VTM's folder; ``None`` takes VVenC.
        vvc_preset: VVenC's.
        elic: Published weights of ELIC, one file for each rate; none takes the packaged ones.

    Raises:
        ConfigError: If there is no such codec.
    """
    makers: Mapping[str, Callable[[], Baseline]] = {
        **PILLOW_CODECS,
        "vvc": lambda: _vvc(cache_dir, vtm, vvc_preset),
        "elic": lambda: _elic(elic),
    }
    for key in keys:
        if key not in ours and key not in makers:
            known = ", ".join((*ours, *BASELINES))
            raise ConfigError(f"There is no codec {key!r}. Choose from {known}.")
    found = dict[str, ComparedCodec]()
    for key in keys:
        try:
            found[key] = ours[key]() if key in ours else makers[key]()
        except (BackendUnavailableError, CheckpointError, ProgramError) as error:
            if key in ours:
                raise
            found[key] = AbsentCodec(key, str(error))
    return found


def _vvc(cache_dir: Path, vtm: Path | None, preset: str) -> Baseline:
    from difficmh_core.baselines.vvc import find_vvc

    return find_vvc(cache_dir, vtm=vtm, preset=preset)


def _elic(files: Sequence[Path]) -> Baseline:
    from difficmh_core.baselines.elic import packaged_elic, published_elic

    return published_elic(files) if files else packaged_elic()
