"""The commands that work on one file: ``encode``, ``decode``, ``info`` and ``verify``."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from difficmh_core._support.atomic_files import check_writable, write_whole
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.cli.options import add_renamed, add_shared
from difficmh_core.cli.output import Report, report_encoded, report_stream
from difficmh_core.cli.progress import told
from difficmh_core.config.coding import DEFAULT_QUALITY, OptimizationSettings
from difficmh_core.config.decoding import SETTINGS, DecodeSettings
from difficmh_core.config.profiles import DEFAULT_PRESET, either_of, preset_of, presets_of
from difficmh_core.errors import BackendUnavailableError, BitstreamError, ConfigError

if TYPE_CHECKING:
    from difficmh_core.codec import DiffICMHCodec

_MAX_FILE_BYTES = 1 << 26
"""No file within the format's limits is as large; nothing larger is read into memory."""


def add_encode(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``encode``."""
    parser.set_defaults(run=_encode)
    parser.add_argument("photo", type=Path, help="an image file")
    parser.add_argument("file", type=Path, help="the .dicmh file to write")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--quality", type=float, help=f"0 to 100 (default {DEFAULT_QUALITY:g})")
    rate.add_argument(
        "--target-bytes",
        type=int,
        help="largest file in bytes; the best quality that fits is used",
    )
    parser.add_argument(
        "--tags", default="auto", help="auto (default), none, or comma-separated names"
    )
    add_renamed(
        parser,
        "--iterations",
        type=int,
        default=0,
        help="iterations of latent optimization (nano only): slower, but better perceptual "
        "quality at about the same size (default 0, off)",
    )
    parser.add_argument("--profile", default="nano", help="nano (default) or sd21")
    add_shared(parser, "--rate", "--device", "--cache-dir", "--json")


def _encode(arguments: argparse.Namespace) -> Report:
    from difficmh_core.image_reading import read_picture
    from difficmh_core.latent_optimization import LatentOptimizer, file_of

    _check_target(arguments.photo, arguments.file)
    iterations = arguments.iterations
    optimization = OptimizationSettings(iterations=iterations) if iterations else None
    picture = read_picture(arguments.photo)
    for note in picture.notes:
        sys.stderr.write(f"note: {note}\n")
    image = picture.image
    codec = _load(arguments.profile, arguments, arguments.rate)
    started = time.monotonic()
    request: dict[str, Any] = {
        "quality": arguments.quality,
        "target_bytes": arguments.target_bytes,
        "tags": "auto" if arguments.tags == "auto" else _names(arguments.tags),
    }
    if optimization is None:
        encoded = codec.encode(image, **request)
    else:
        optimizer = LatentOptimizer(codec, optimization, cache_dir=arguments.cache_dir)
        encoded = file_of(told(optimizer.steps(image, **request), "optimizing", "iteration"))
    write_whole(encoded.data, arguments.file)
    return report_encoded(arguments.file, encoded, time.monotonic() - started)


def add_decode(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``decode``."""
    parser.set_defaults(run=_decode)
    parser.add_argument("file", type=Path, help="a .dicmh file")
    parser.add_argument("image", type=Path, help="the .png file to write")
    parser.add_argument(
        "--preset",
        default=DEFAULT_PRESET,
        help=f"{either_of(presets_of('nano'))} (default %(default)s); the options below override "
        "it",
    )
    for setting in SETTINGS:
        parser.add_argument(
            setting.option,
            dest=setting.name,
            metavar=setting.metavar,
            help=setting.option_help,
            **setting.parsing,
        )
    parser.add_argument(
        "--tags", default="file", help="file (default), none, or comma-separated names"
    )
    _add_profile_of_file(parser)
    add_shared(parser, "--device", "--cache-dir", "--json")


def settings_of(arguments: argparse.Namespace, profile: str) -> DecodeSettings:
    """The preset that ``decode`` was given, with what its options change.

    Raises:
        ConfigError: If there is no such preset, or a value is out of range.
    """
    changes = {
        setting.name: setting.of_controls(given if isinstance(given, list) else [given])
        for setting in SETTINGS
        if (given := getattr(arguments, setting.name)) is not None
    }
    return replace(preset_of(profile, arguments.preset), **changes)


def _decode(arguments: argparse.Namespace) -> Report:
    _check_target(arguments.file, arguments.image)
    if arguments.image.suffix.lower() != ".png":
        raise ConfigError(
            f"The image is written as PNG, but the target is named {arguments.image.name!r}. "
            "Give it a name that ends in .png."
        )
    stream = _parse(arguments.file)
    profile = arguments.profile or stream.profile
    settings = settings_of(arguments, profile)
    tags = None if arguments.tags == "file" else _names(arguments.tags)
    codec = _load(profile, arguments, stream.quality_level)

    from difficmh_core.image_io import write_png

    started = time.monotonic()
    for step in told(codec.decode(stream, settings, tags=tags), "decoding", "step"):
        last = step
    seconds = time.monotonic() - started
    if last.image is None:
        raise BackendUnavailableError("The sampler ended before its last step.")
    write_png(last.image, arguments.image)
    fields = {
        "file": str(arguments.image),
        "height_px": stream.height_px,
        "width_px": stream.width_px,
        "settings": settings.as_dict(),
        "seed": stream.checksum if settings.seed is None else settings.seed,
        "n_steps": last.total,
        "steps_per_second": round(last.total / seconds, 3),
        "seconds": round(seconds, 3),
    }
    text = (
        f"{arguments.image}: {stream.width_px} x {stream.height_px} px, decoded in "
        f"{seconds:.1f} s ({last.total / seconds:.1f} steps/s)"
    )
    return Report(fields=fields, text=text)


def add_info(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``info``."""
    parser.set_defaults(run=_info)
    parser.add_argument("file", type=Path, help="a .dicmh file")
    add_shared(parser, "--json")


def _info(arguments: argparse.Namespace) -> Report:
    return report_stream(arguments.file, _parse(arguments.file))


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``verify``."""
    parser.set_defaults(run=_verify)
    parser.add_argument("file", type=Path, help="a .dicmh file")
    _add_profile_of_file(parser)
    add_shared(parser, "--device", "--cache-dir", "--json")


def _verify(arguments: argparse.Namespace) -> Report:
    stream = _parse(arguments.file)
    codec = _load(arguments.profile or stream.profile, arguments, stream.quality_level)
    section_bits = codec.verify(stream)
    told = report_stream(arguments.file, stream).fields
    return Report(
        fields={**told, "section_bits": section_bits, "is_valid": True},
        text=f"{arguments.file}: header, checksum, model and all coded integers are valid.",
    )


def _add_profile_of_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", help="nano or sd21 (default: the one recorded in the file)")


def _check_target(source: Path, target: Path) -> None:
    """Refuse, before any work, a target that cannot be written or is the input itself."""
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"The output {str(target)!r} is the input. Choose another name.")
    try:
        check_writable(target)
    except OSError as error:
        raise ConfigError(
            f"The output {str(target)!r} cannot be written: {error.strerror or error}. "
            "Choose another place."
        ) from error


def _parse(path: Path) -> Bitstream:
    with path.open("rb") as file:
        data = file.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise BitstreamError(
            f"The file {str(path)!r} has more than {_MAX_FILE_BYTES:,} bytes, more than any "
            "Diff-ICMH file. Choose a .dicmh file."
        )
    return Bitstream.from_bytes(data)


def _load(profile: str, arguments: argparse.Namespace, rate: int) -> "DiffICMHCodec":
    """Load a profile; ``rate`` matters to one whose networks have a single rate."""
    import torch

    from difficmh_core.models.load import load_codec

    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailableError(
            "There is no CUDA device, but --device cuda asks for one. Use --device cpu."
        )
    folder = arguments.cache_dir
    return load_codec(profile, device=arguments.device, cache_dir=folder, rate=rate)


def _names(choice: str) -> list[str]:
    """Split ``"a,b"``; ``none`` means no tags."""
    return [] if choice == "none" else [name for name in choice.split(",") if name.strip()]
