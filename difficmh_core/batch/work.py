"""What is done to each file: a photograph is encoded, or a file decoded.

A description of the work can be sent to another process, which loads the networks for itself.

Several threads work at once, each on a file of its own. Reading a photograph, naming what is in it
and writing a decoded picture need none of the codec's networks and go on beside them; those take
one file at a time, in encoding at two places, analysis and entropy coding. Files are never put
together into one batch: the last digits of a result, and with them a byte of a file, would depend
on what lay beside it.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from difficmh_core import __version__
from difficmh_core.batch.sources import PICTURE_SUFFIXES
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.profiles import PROFILE_NAMES, preset_of, profile_of
from difficmh_core.errors import BackendUnavailableError, ConfigError, ImageError
from difficmh_core.image_writing import check_picture, format_of, picture_bytes

if TYPE_CHECKING:
    from difficmh_core.codec import DiffICMHCodec

FILE_SUFFIX = ".dicmh"
MOST_PHOTO_BYTES = 1 << 30
MOST_FILE_BYTES = 1 << 26
"""No file within the format's limits is as large; nothing larger is read into memory."""


@dataclass(frozen=True, slots=True)
class Product:
    """One output.

    Attributes:
        data: Its bytes.
        facts: What a table of outputs tells of it.
    """

    data: bytes
    facts: Mapping[str, Any]


@runtime_checkable
class Work(Protocol):
    """Something to be done to many files."""

    @property
    def suffix(self) -> str:
        """What outputs are named with."""
        ...

    @property
    def suffixes(self) -> frozenset[str]:
        """What is taken from folders and archives, in lower case."""
        ...

    @property
    def most_bytes(self) -> int:
        """How much of a file is read [bytes]."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that decides an output's bytes, the networks included; all is checked."""
        ...

    def load(self) -> Callable[[bytes], Product]:
        """Load the networks; what this returns makes an output of an input's bytes.

        Several threads may call that at once.
        """
        ...

    @property
    def n_threads(self) -> int:
        """How many files a worker has in hand at once, so that its device does not wait."""
        ...

    def at(self, number: int) -> "Work":
        """The same work for one of several workers of this machine, counted from 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Photographs to ``.dicmh``; attributes are those of the command ``encode``."""

    profile: str
    rate: int
    device: str
    cache_dir: Path
    quality: float | None
    target_bytes: int | None
    tags: tuple[str, ...] | None
    iterations: int
    suffix: str = field(default=FILE_SUFFIX, init=False)
    suffixes: frozenset[str] = field(default=PICTURE_SUFFIXES, init=False)
    most_bytes: int = field(default=MOST_PHOTO_BYTES, init=False)

    def settings(self) -> dict[str, Any]:
        """Everything that decides a file's bytes, the networks included.

        Raises:
            ConfigError: If a setting is out of range, or a tag unknown.
            DiffICMHError: As :func:`difficmh_core.models.load.load_codec`.
        """
        from difficmh_core.encoding import level_of, resolve_tags
        from difficmh_core.models.load import is_present

        # The networks are the same on every device, and a cluster's may be elsewhere.
        device = self.device if is_present(self.device) else "cpu"
        codec = _load(self.profile, device, self.cache_dir, self.rate)
        level_of(self.quality, codec.config.rate)
        resolve_tags(self.tags or (), codec.vocabulary, codec.config.conditioning.max_tags)
        if self.iterations:
            OptimizationSettings(iterations=self.iterations)
        return self._request | {
            "iterations": self.iterations,
            "model": codec.fingerprint.hex(),
        }

    def load(self) -> Callable[[bytes], Product]:
        """Load the networks, and the tagger when a picture first needs it.

        Raises:
            DiffICMHError: As :func:`difficmh_core.models.load.load_codec`.
        """
        from difficmh_core.image_reading import read_picture
        from difficmh_core.latent_optimization import LatentOptimizer, file_of

        codec = _load(self.profile, self.device, self.cache_dir, self.rate)
        analysis, entropy_coding = threading.Lock(), threading.Lock()
        optimizer = (
            LatentOptimizer(
                codec, OptimizationSettings(iterations=self.iterations), cache_dir=self.cache_dir
            )
            if self.iterations
            else None
        )

        def encode(data: bytes) -> Product:
            if len(data) == self.most_bytes:
                raise ImageError(f"The file has {self.most_bytes:,} bytes or more. Shrink it.")
            picture = read_picture(data)
            image, request = picture.image, self._request
            if self.tags is None:
                request["tags"] = codec.tag(image)
            if optimizer is None:
                with analysis:
                    analyzed = codec.analyze(image)
                with entropy_coding:
                    encoded = codec.encode(image, **request, analyzed=analyzed)
            else:
                with analysis:
                    encoded = file_of(optimizer.steps(image, **request))
            stream = encoded.stream
            facts = {
                "height_px": image.height,
                "width_px": image.width,
                "bpp": 8 * len(encoded.data) / (image.height * image.width),
                "quality": stream.quality,
                "tags": [tag.name for tag in encoded.tags],
                "checksum": f"{stream.checksum:08x}",
                "notes": list(picture.notes),
            }
            return Product(encoded.data, facts)

        return encode

    @property
    def n_threads(self) -> int:
        """One each that reads and tags, analyzes, and codes; on a GPU more that tag."""
        return 3 + _more_on_gpu(self.device)

    def at(self, number: int) -> "Encoding":
        """The same on one of this machine's GPUs, if GPUs are asked for."""
        return replace(self, device=_device_of(self.device, number))

    @property
    def _request(self) -> dict[str, Any]:
        return {
            "quality": self.quality,
            "target_bytes": self.target_bytes,
            "tags": "auto" if self.tags is None else list(self.tags),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """Files ``.dicmh`` to pictures; attributes are those of the command ``decode``."""

    profile: str | None
    device: str
    cache_dir: Path
    preset: str
    changes: Mapping[str, Any]
    tags: tuple[str, ...] | None
    suffix: str
    suffixes: frozenset[str] = field(default=frozenset({FILE_SUFFIX}), init=False)
    most_bytes: int = field(default=MOST_FILE_BYTES, init=False)

    def settings(self) -> dict[str, Any]:
        """What decides a picture beside the file, which names its networks itself.

        Raises:
            ConfigError: If there is no such preset or format, a value is out of range, or a tag is
                unknown to all networks that the files may name.
        """
        format_of(self.suffix)
        self._check_tags()
        replace(preset_of(self.profile or "nano", self.preset), **self.changes)
        return {
            "preset": self.preset,
            "changes": {name: str(value) for name, value in self.changes.items()},
            "tags": None if self.tags is None else list(self.tags),
            "profile": self.profile,
            "version": __version__,
        }

    def _check_tags(self) -> None:
        from difficmh_core.encoding import resolve_tags
        from difficmh_core.tagging.vocabulary import load_vocabulary
        from difficmh_core.weights.hub import hub_path
        from difficmh_core.weights.hub_cards import RAM_NAMES

        refusals = list[ConfigError]()
        for profile in PROFILE_NAMES if self.profile is None else (self.profile,):
            conditioning = profile_of(profile).config.conditioning
            name = conditioning.vocabulary
            try:
                path = hub_path(RAM_NAMES, self.cache_dir) if name == "ram" else None
            except BackendUnavailableError:
                continue  # its networks were not fetched either: no file that names them decodes
            try:
                resolve_tags(self.tags or (), load_vocabulary(name, path), conditioning.max_tags)
            except ConfigError as error:
                refusals.append(error)
            else:
                return
        if refusals:
            raise refusals[0]

    def load(self) -> Callable[[bytes], Product]:
        """Make ready; the networks of a profile are loaded when a file first names it."""
        turn = threading.Lock()

        def decode(data: bytes) -> Product:
            stream = Bitstream.from_bytes(data)
            check_picture(self.suffix, (stream.height_px, stream.width_px))
            profile = self.profile or stream.profile
            settings = replace(preset_of(profile, self.preset), **self.changes)
            with turn:
                codec = _load(profile, self.device, self.cache_dir, stream.quality_level)
                image = codec.decode_image(stream, settings, tags=self.tags)
            facts = {
                "height_px": stream.height_px,
                "width_px": stream.width_px,
                "seed": stream.checksum if settings.seed is None else settings.seed,
            }
            return Product(picture_bytes(image, self.suffix), facts)

        return decode

    @property
    def n_threads(self) -> int:
        """One that decodes, and one that writes; on a GPU more that write."""
        return 2 + _more_on_gpu(self.device)

    def at(self, number: int) -> "Decoding":
        """The same on one of this machine's GPUs, if GPUs are asked for."""
        return replace(self, device=_device_of(self.device, number))


def _more_on_gpu(device: str) -> int:
    """Threads for what the CPU does beside a GPU, which would otherwise wait for it."""
    return 3 if device.startswith("cuda") else 0


def _device_of(device: str, number: int) -> str:
    """The device of one of several workers: with ``cuda``, they take turns at the GPUs."""
    if device != "cuda":
        return device
    import torch

    n_devices = torch.cuda.device_count()
    return f"cuda:{number % n_devices}" if n_devices else device


def _load(profile: str, device: str, cache_dir: Path, rate: int) -> "DiffICMHCodec":
    """Load a profile, once for all files in a row that need the same networks."""
    has_rates = bool(profile_of(profile).rates)
    return _load_once(profile, device, cache_dir, rate if has_rates else 0)


def release_networks() -> None:
    """Forget what :meth:`Work.settings` loaded, where others do the work."""
    _load_once.cache_clear()


@lru_cache(maxsize=1)
def _load_once(profile: str, device: str, cache_dir: Path, rate: int) -> "DiffICMHCodec":
    from difficmh_core.models.load import load_codec

    return load_codec(profile, device=device, cache_dir=cache_dir, rate=rate)
