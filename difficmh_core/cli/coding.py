"""The commands that work on one file: ``encode``, ``decode``, ``info`` and ``verify``."""

import argparse
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from difficmh_core._support.atomic_files import check_writable, write_whole
from difficmh_core.batch.sources import PICTURE_SUFFIXES, STANDARD
from difficmh_core.batch.work import MOST_FILE_BYTES, Decoding, Encoding
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.cli.many import add_many, are_many, check_alone, do_many
from difficmh_core.cli.options import add_decoding, add_renamed, add_shared, names_of
from difficmh_core.cli.output import Report, report_encoded, report_stream
from difficmh_core.cli.progress import told
from difficmh_core.config.coding import DEFAULT_QUALITY, OptimizationSettings
from difficmh_core.config.decoding import SETTINGS, DecodeSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import BackendUnavailableError, BitstreamError, ConfigError
from difficmh_core.image_writing import FORMATS, check_picture, format_of, loss_of, picture_bytes

if TYPE_CHECKING:
    from difficmh_core.codec import DiffICMHCodec


def add_encode(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``encode``."""
    parser.set_defaults(run=_encode)
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="photo",
        help="an image file, or - for standard input; also many: files, folders, patterns, "
        ".tar archives, addresses such as s3://bucket/photos",
    )
    parser.add_argument(
        "output", metavar="file", help="the .dicmh file to write, or -; a folder for many"
    )
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
    add_many(parser)
    add_shared(parser, "--rate", "--device", "--cache-dir", "--json")


def _encode(arguments: argparse.Namespace) -> Report:
    from difficmh_core.image_reading import read_picture
    from difficmh_core.latent_optimization import LatentOptimizer, file_of

    tags = None if arguments.tags == "auto" else names_of(arguments.tags)
    iterations = arguments.iterations
    if are_many(arguments.inputs, arguments.output):
        work = Encoding(
            profile=arguments.profile,
            rate=arguments.rate,
            device=arguments.device,
            cache_dir=arguments.cache_dir,
            quality=arguments.quality,
            target_bytes=arguments.target_bytes,
            tags=None if tags is None else tuple(tags),
            iterations=iterations,
        )
        return do_many(work, arguments, "encoding")
    check_alone(arguments)
    (photo,) = arguments.inputs
    _check_target(photo, arguments.output)
    _check_no_photo(arguments.output)
    optimization = OptimizationSettings(iterations=iterations) if iterations else None
    picture = read_picture(sys.stdin.buffer if photo == STANDARD else photo)
    for note in picture.notes:
        sys.stderr.write(f"note: {note}\n")
    image = picture.image
    codec = _load(arguments.profile, arguments, arguments.rate)
    started = time.monotonic()
    request: dict[str, Any] = {
        "quality": arguments.quality,
        "target_bytes": arguments.target_bytes,
        "tags": "auto" if tags is None else tags,
    }
    if optimization is None:
        encoded = codec.encode(image, **request)
    else:
        optimizer = LatentOptimizer(codec, optimization, cache_dir=arguments.cache_dir)
        encoded = file_of(told(optimizer.steps(image, **request), "optimizing", "iteration"))
    _write(encoded.data, arguments.output)
    return report_encoded(arguments.output, encoded, time.monotonic() - started)


def add_decode(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``decode``."""
    parser.set_defaults(run=_decode)
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="file",
        help="a .dicmh file, or - for standard input; also many, as encode takes them",
    )
    parser.add_argument(
        "output",
        metavar="image",
        help=f"the image to write ({', '.join(FORMATS)}), or -; a folder for many",
    )
    parser.add_argument(
        "--format",
        choices=[suffix[1:] for suffix in FORMATS],
        help="what to write to - or into a folder (default png)",
    )
    add_decoding(parser)
    parser.add_argument(
        "--tags", default="file", help="file (default), none, or comma-separated names"
    )
    _add_profile_of_file(parser)
    add_many(parser)
    add_shared(parser, "--device", "--cache-dir", "--json")


def settings_of(arguments: argparse.Namespace, profile: str) -> DecodeSettings:
    """The preset that ``decode`` was given, with what its options change.

    Raises:
        ConfigError: If there is no such preset, or a value is out of range.
    """
    return replace(preset_of(profile, arguments.preset), **_changes_of(arguments))


def _changes_of(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        setting.name: setting.of_controls(given if isinstance(given, list) else [given])
        for setting in SETTINGS
        if (given := getattr(arguments, setting.name)) is not None
    }


def _decode(arguments: argparse.Namespace) -> Report:
    tags = None if arguments.tags == "file" else names_of(arguments.tags)
    if are_many(arguments.inputs, arguments.output):
        work = Decoding(
            profile=arguments.profile,
            device=arguments.device,
            cache_dir=arguments.cache_dir,
            preset=arguments.preset,
            changes=_changes_of(arguments),
            tags=None if tags is None else tuple(tags),
            suffix=f".{arguments.format or 'png'}",
        )
        _note_loss(work.suffix)
        return do_many(work, arguments, "decoding")
    check_alone(arguments)
    (file,), target = arguments.inputs, arguments.output
    _check_target(file, target)
    suffix = _suffix_of(target, arguments.format)
    stream = _parse(file)
    check_picture(suffix, (stream.height_px, stream.width_px))
    profile = arguments.profile or stream.profile
    settings = settings_of(arguments, profile)
    codec = _load(profile, arguments, stream.quality_level)
    started = time.monotonic()
    for step in told(codec.decode(stream, settings, tags=tags), "decoding", "step"):
        last = step
    seconds = time.monotonic() - started
    if last.image is None:
        raise BackendUnavailableError("The sampler ended before its last step.")
    _note_loss(suffix)
    _write(picture_bytes(last.image, suffix), target)
    fields = {
        "file": target,
        "height_px": stream.height_px,
        "width_px": stream.width_px,
        "settings": settings.as_dict(),
        "seed": stream.checksum if settings.seed is None else settings.seed,
        "n_steps": last.total,
        "steps_per_second": round(last.total / seconds, 3),
        "seconds": round(seconds, 3),
    }
    text = (
        f"{target}: {stream.width_px} x {stream.height_px} px, decoded in "
        f"{seconds:.1f} s ({last.total / seconds:.1f} steps/s)"
    )
    return Report(fields=fields, text=text, is_beside_data=target == STANDARD)


def add_info(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``info``."""
    parser.set_defaults(run=_info)
    parser.add_argument("file", type=Path, help="a .dicmh file, or - for standard input")
    add_shared(parser, "--json")


def _info(arguments: argparse.Namespace) -> Report:
    return report_stream(str(arguments.file), _parse(str(arguments.file)))


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``verify``."""
    parser.set_defaults(run=_verify)
    parser.add_argument("file", type=Path, help="a .dicmh file, or - for standard input")
    _add_profile_of_file(parser)
    add_shared(parser, "--device", "--cache-dir", "--json")


def _verify(arguments: argparse.Namespace) -> Report:
    file = str(arguments.file)
    stream = _parse(file)
    codec = _load(arguments.profile or stream.profile, arguments, stream.quality_level)
    section_bits = codec.verify(stream)
    told = report_stream(file, stream).fields
    return Report(
        fields={**told, "section_bits": section_bits, "is_valid": True},
        text=f"{file}: header, checksum, model and all coded integers are valid.",
    )


def _add_profile_of_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", help="nano or sd21 (default: the one recorded in the file)")


def _check_target(source: str, target: str) -> None:
    """Refuse, before any work, a target that cannot be written or is the input itself."""
    if target == STANDARD:
        return
    path = Path(target)
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigError(f"The output {target!r} is the input. Choose another name.")
    try:
        check_writable(path)
    except OSError as error:
        raise ConfigError(
            f"The output {target!r} cannot be written: {error.strerror or error}. "
            "Choose another place."
        ) from error


def _check_no_photo(target: str) -> None:
    """Refuse to replace a photo by a file: ``*.jpg`` may stand for two, and no output follow."""
    path = Path(target)
    if path.suffix.lower() in PICTURE_SUFFIXES and path.exists():
        raise ConfigError(
            f"The output {target!r} is an image that a .dicmh file would replace. Choose another "
            "name."
        )


def _write(data: bytes, target: str) -> None:
    if target == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_whole(data, Path(target))


def _suffix_of(target: str, given: str | None) -> str:
    """How the name of a picture ends, or would, if standard output had one."""
    suffix = Path(target).suffix.lower()
    if target == STANDARD:
        return f".{given or 'png'}"
    if given is not None and format_of(suffix) is not format_of(f".{given}"):
        raise ConfigError(
            f"--format {given} asks for another picture than the name {target!r}. Leave one out."
        )
    format_of(suffix)
    return suffix


def _note_loss(suffix: str) -> None:
    if loss := loss_of(suffix):
        sys.stderr.write(f"note: {loss}\n")


def _parse(file: str) -> Bitstream:
    """Read a file, or standard input."""
    with nullcontext(sys.stdin.buffer) if file == STANDARD else Path(file).open("rb") as opened:
        data = opened.read(MOST_FILE_BYTES + 1)
    if len(data) > MOST_FILE_BYTES:
        raise BitstreamError(
            f"The file {file!r} has more than {MOST_FILE_BYTES:,} bytes, more than any "
            "Diff-ICMH file. Choose a .dicmh file."
        )
    return Bitstream.from_bytes(data)


def _load(profile: str, arguments: argparse.Namespace, rate: int) -> "DiffICMHCodec":
    """Load a profile; ``rate`` matters to one whose networks have a single rate."""
    from difficmh_core.models.load import load_codec

    folder = arguments.cache_dir
    return load_codec(profile, device=arguments.device, cache_dir=folder, rate=rate)
