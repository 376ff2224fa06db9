"""What is done to each file: a photograph is encoded, or a file decoded.

A description of the work can be sent to another process, which loads the networks for itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from difficmh_core import __version__
from difficmh_core.batch.sources import PICTURE_SUFFIXES
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.presets import preset_of
from difficmh_core.errors import ImageError

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

    def load(self) -> "LoadedWork":
        """Load the networks."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedWork:
    """Work that can be done here and now.

    Attributes:
        settings: Everything that decides an output's bytes, the networks included.
        do: From an input's bytes to its output.
    """

    settings: Mapping[str, Any]
    do: Callable[[bytes], Product]


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
    suffix: str = field(default=".dicmh", init=False)
    suffixes: frozenset[str] = field(default=PICTURE_SUFFIXES, init=False)
    most_bytes: int = field(default=MOST_PHOTO_BYTES, init=False)

    def load(self) -> LoadedWork:
        """Load the networks, and the tagger when a picture first needs it.

        Raises:
            DiffICMHError: As :func:`difficmh_core.models.load.load_codec`.
        """
        from difficmh_core.image_reading import read_picture
        from difficmh_core.latent_optimization import LatentOptimizer, file_of
        from difficmh_core.models.load import load_codec

        codec = load_codec(
            self.profile, device=self.device, cache_dir=self.cache_dir, rate=self.rate
        )
        request: dict[str, Any] = {
            "quality": self.quality,
            "target_bytes": self.target_bytes,
            "tags": "auto" if self.tags is None else list(self.tags),
        }
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
            image = read_picture(data).image
            if optimizer is None:
                encoded = codec.encode(image, **request)
            else:
                encoded = file_of(optimizer.steps(image, **request))
            stream = encoded.stream
            facts = {
                "height_px": image.height,
                "width_px": image.width,
                "bpp": 8 * len(encoded.data) / (image.height * image.width),
                "quality": stream.quality,
                "tags": [tag.name for tag in encoded.tags],
                "checksum": f"{stream.checksum:08x}",
            }
            return Product(encoded.data, facts)

        settings = request | {"iterations": self.iterations, "model": codec.fingerprint.hex()}
        return LoadedWork(settings, encode)


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
    suffixes: frozenset[str] = field(default=frozenset({".dicmh"}), init=False)
    most_bytes: int = field(default=MOST_FILE_BYTES, init=False)

    def load(self) -> LoadedWork:
        """Make ready; each profile's networks are loaded when a file first names it."""
        from difficmh_core.codec import DiffICMHCodec
        from difficmh_core.image_writing import picture_bytes
        from difficmh_core.models.load import load_codec

        codecs = dict[tuple[str, int], DiffICMHCodec]()

        def decode(data: bytes) -> Product:
            stream = Bitstream.from_bytes(data)
            key = self.profile or stream.profile, stream.quality_level
            if key[0] == "nano":  # one model for all levels
                key = key[0], 0
            if key not in codecs:
                codecs.clear()  # one in memory at a time
                codecs[key] = load_codec(
                    key[0], device=self.device, cache_dir=self.cache_dir, rate=key[1]
                )
            settings = replace(preset_of(key[0], self.preset), **self.changes)
            image = codecs[key].decode_image(stream, settings, tags=self.tags)
            facts = {
                "height_px": stream.height_px,
                "width_px": stream.width_px,
                "seed": stream.checksum if settings.seed is None else settings.seed,
            }
            return Product(picture_bytes(image, self.suffix), facts)

        settings = {
            "preset": self.preset,
            "changes": {name: str(value) for name, value in self.changes.items()},
            "tags": None if self.tags is None else list(self.tags),
            "profile": self.profile,
            "version": __version__,
        }
        return LoadedWork(settings, decode)
