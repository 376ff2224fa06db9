"""The command line: ``python -m difficmh_core encode | decode | compare | ...``.

Results go to standard output, for people or with ``--json`` for programs; progress and notes on
the picture go to standard error. The exit code is 0 on success, 1 on an error (one line,
``error: ...``), 2 on a misspelled command and 130 after Ctrl-C. Output files appear whole or not
at all.

Networks are imported only by the commands that run them, so that ``info`` answers at once.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from difficmh_core._support.atomic_files import check_writable, write_whole
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.cli.output import Report, report_encoded, report_stream
from difficmh_core.cli.parser import build_parser, settings_of
from difficmh_core.errors import (
    BackendUnavailableError,
    BitstreamError,
    ConfigError,
    DiffICMHError,
)

if TYPE_CHECKING:
    import difficmh_core.codec


_MAX_FILE_BYTES = 1 << 26
"""No file within the format's limits is as large; nothing larger is read into memory."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; ``None`` takes those of this process.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["train"]:
            from difficmh_core.training.main import main as train

            return train(words[1:])
        if words[:1] in (["compare"], ["evaluate"]):
            if words[0] == "compare":
                from difficmh_core.cli.compare import main as measure
            else:
                from difficmh_core.cli.evaluate import main as measure
            return measure(words[1:], cache_folder())
        arguments = build_parser().parse_args(words)
        _leave_logging_to_us()
        report = _COMMANDS[arguments.command](arguments)
    except DiffICMHError as error:
        return _fail(str(error))
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        return _fail(f"{place}{error.strerror or error}.")
    except KeyboardInterrupt:
        return 130
    output = json.dumps(report.fields, ensure_ascii=False) if arguments.json else report.text
    sys.stdout.write(output + "\n")
    return 0


def _leave_logging_to_us() -> None:
    """Show this package's warnings on standard error, and nothing that others log."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    if logging.lastResort is not None:
        logging.getLogger("difficmh_core").addHandler(logging.lastResort)


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 1


def _encode(arguments: argparse.Namespace) -> Report:
    from difficmh_core.cli.progress import told
    from difficmh_core.image_reading import read_picture
    from difficmh_core.latent_optimization import LatentOptimizer, OptimizationSettings, file_of

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
        optimizer = LatentOptimizer(codec, optimization, cache_dir=_cache_dir(arguments))
        encoded = file_of(told(optimizer.steps(image, **request), "optimizing", "iteration"))
    write_whole(encoded.data, arguments.file)
    return report_encoded(arguments.file, encoded, time.monotonic() - started)


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

    from difficmh_core.cli.progress import told
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


def _info(arguments: argparse.Namespace) -> Report:
    return report_stream(arguments.file, _parse(arguments.file))


def _verify(arguments: argparse.Namespace) -> Report:
    stream = _parse(arguments.file)
    codec = _load(arguments.profile or stream.profile, arguments, stream.quality_level)
    section_bits = codec.verify(stream)
    return Report(
        fields={
            **report_stream(arguments.file, stream).fields,
            "section_bits": section_bits,
            "is_valid": True,
        },
        text=f"{arguments.file}: header, checksum, model and all coded integers are valid.",
    )


def _fetch(arguments: argparse.Namespace) -> Report:
    from difficmh_core.cli.fetch import (
        fetch_packaged,
        fetch_published,
        fetch_tasks,
        fetch_training,
    )

    if arguments.names and arguments.what != "tasks":
        raise ConfigError(
            f"Only `fetch tasks` takes names, but `fetch {arguments.what}` got "
            f"{arguments.names[0]!r}. Leave it out."
        )
    cache_dir = _cache_dir(arguments)
    if arguments.what in ("nano", "baselines"):
        return fetch_packaged(cache_dir, baselines=arguments.what == "baselines")
    if arguments.what == "tasks":
        return fetch_tasks(arguments.names, cache_dir, endpoint=arguments.endpoint)
    if arguments.what == "sd21-training":
        return fetch_training(cache_dir, endpoint=arguments.endpoint)
    return fetch_published(
        cache_dir,
        arguments.rate,
        stripped=arguments.stripped,
        bfloat16=arguments.bfloat16,
        endpoint=arguments.endpoint,
    )


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], Report]] = {
    "encode": _encode,
    "decode": _decode,
    "info": _info,
    "verify": _verify,
    "fetch": _fetch,
}


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


def _load(
    profile: str, arguments: argparse.Namespace, rate: int
) -> "difficmh_core.codec.DiffICMHCodec":
    """Load a profile; ``rate`` matters to one whose networks have a single rate."""
    import torch

    from difficmh_core.models.load import load_codec

    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailableError(
            "There is no CUDA device, but --device cuda asks for one. Use --device cpu."
        )
    cache_dir = _cache_dir(arguments)
    return load_codec(profile, device=arguments.device, cache_dir=cache_dir, rate=rate)


def _cache_dir(arguments: argparse.Namespace) -> Path:
    return arguments.cache_dir or cache_folder()


def _names(choice: str) -> list[str]:
    """Split ``"a,b"``; ``none`` means no tags."""
    return [] if choice == "none" else [name for name in choice.split(",") if name.strip()]
