"""The errors that this package raises on purpose.

Each message says what happened, what was found, what was expected, and what to do next; the web
page shows it as it stands. An exception of any other class is a defect of ours.
"""


class DiffICMHError(Exception):
    """Base class of all errors that this package raises on purpose."""


class ConfigError(DiffICMHError, ValueError):
    """A setting lies outside its documented range."""


class BitstreamError(DiffICMHError, ValueError):
    """The bytes are not a bitstream that this version can decode."""


class TruncatedBitstreamError(BitstreamError):
    """The bytes end before the length that the header announces."""


class CorruptBitstreamError(BitstreamError):
    """The bytes do not match their checksum."""


class ModelMismatchError(BitstreamError):
    """The bytes were coded with other weights than the ones loaded."""


class ImageError(DiffICMHError, ValueError):
    """A picture is unreadable, too small or too large."""


class CheckpointError(DiffICMHError, RuntimeError):
    """Weights are missing, damaged, or not the ones that the model needs."""


class BackendUnavailableError(DiffICMHError, RuntimeError):
    """An optional package, program, file or device is absent."""


class ProgramError(DiffICMHError, RuntimeError):
    """Another codec's encoder or decoder failed, or took too long."""
