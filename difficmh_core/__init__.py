"""Diff-ICMH: a generative image codec whose one bitstream serves people and machines.

What a user of the library needs is here by name; it is imported when it is first asked for, so
that ``import difficmh_core`` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from difficmh_core.codec import DecodeStep, DiffICMHCodec
    from difficmh_core.config.decoding import DecodeSettings, SamplerName
    from difficmh_core.config.profiles import preset_of
    from difficmh_core.encoding import Encoded
    from difficmh_core.errors import (
        BackendUnavailableError,
        BitstreamError,
        CheckpointError,
        ConfigError,
        CorruptBitstreamError,
        DiffICMHError,
        ImageError,
        ModelMismatchError,
        ProgramError,
        TruncatedBitstreamError,
    )
    from difficmh_core.image_io import read_image, write_png
    from difficmh_core.models.load import load_codec

__all__ = [
    "BackendUnavailableError",
    "BitstreamError",
    "CheckpointError",
    "ConfigError",
    "CorruptBitstreamError",
    "DecodeSettings",
    "DecodeStep",
    "DiffICMHCodec",
    "DiffICMHError",
    "Encoded",
    "ImageError",
    "ModelMismatchError",
    "ProgramError",
    "SamplerName",
    "TruncatedBitstreamError",
    "load_codec",
    "preset_of",
    "read_image",
    "write_png",
]
__version__ = "0.1.0"

_MODULES = {
    "DecodeSettings": "config.decoding",
    "DecodeStep": "codec",
    "DiffICMHCodec": "codec",
    "Encoded": "encoding",
    "SamplerName": "config.decoding",
    "load_codec": "models.load",
    "preset_of": "config.profiles",
    "read_image": "image_io",
    "write_png": "image_io",
}
"""Where each name is, unless it is an error."""


def __getattr__(name: str) -> object:
    """Import what a name stands for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    """The names above, and what has been imported."""
    return sorted({*globals(), *__all__})
