"""The words that the command line understands."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from difficmh_core import __version__
from difficmh_core._support.cache_folder import CACHE_VARIABLE
from difficmh_core._support.command_lines import PROGRAM, OneLineParser
from difficmh_core.config.decoding import SETTINGS, DecodeSettings
from difficmh_core.config.kinds import Choice, Interval, Number, Setting
from difficmh_core.config.presets import DEFAULT_PRESET, preset_of, presets_of
from difficmh_core.config.profiles import DEFAULT_RATE, RATE_HELP, either_of


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command but ``train``, which has its own.

    What it returns holds the command's name in ``command``; :func:`settings_of` reads the settings
    of ``decode``.
    """
    parser = OneLineParser(prog=PROGRAM, description="Diff-ICMH, a generative image codec.")
    parser.add_argument("--version", action="version", version=f"difficmh {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    encode = commands.add_parser("encode", help="compress a photo")
    encode.add_argument("photo", type=Path, help="an image file")
    encode.add_argument("file", type=Path, help="the .dicmh file to write")
    rate = encode.add_mutually_exclusive_group()
    rate.add_argument("--quality", type=float, help="0 to 100 (default 50)")
    rate.add_argument(
        "--target-bytes",
        type=int,
        help="largest file in bytes; the best quality that fits is used",
    )
    encode.add_argument(
        "--tags", default="auto", help="auto (default), none, or comma-separated names"
    )
    encode.add_argument(
        "--iterations",
        type=int,
        default=0,
        help="iterations of latent optimization (nano only): slower, but better perceptual "
        "quality at about the same size (default 0, off)",
    )
    _keep_old_name(encode, "--passes", dest="iterations", type=int)
    encode.add_argument("--profile", default="nano", help="nano (default) or sd21")
    encode.add_argument("--rate", type=int, default=DEFAULT_RATE, help=RATE_HELP)

    decode = commands.add_parser("decode", help="decode a file to an image")
    decode.add_argument("file", type=Path, help="a .dicmh file")
    decode.add_argument("image", type=Path, help="the .png file to write")
    _add_decode_settings(decode)
    decode.add_argument(
        "--tags", default="file", help="file (default), none, or comma-separated names"
    )

    info = commands.add_parser(
        "info", help="show every field of a file and the size of its sections"
    )
    info.add_argument("file", type=Path, help="a .dicmh file")

    verify = commands.add_parser("verify", help="check a file without decoding the image")
    verify.add_argument("file", type=Path, help="a .dicmh file")

    fetch = commands.add_parser(
        "fetch", help="download the weights that do not ship with the program"
    )
    fetch.add_argument(
        "what",
        nargs="?",
        default="nano",
        choices=("nano", "baselines", "tasks", "sd21", "sd21-training"),
        help="nano (default): networks for its tags and for the metrics, 90 MB; baselines: a VVC "
        "encoder (GPL, run as a program) for comparisons, 65 MB; tasks: networks for further "
        "machine tasks; sd21: the authors' networks; sd21-training: what training sd21 starts "
        "from",
    )
    fetch.add_argument(
        "names",
        nargs="*",
        metavar="TASK",
        help="with tasks: which ones, such as panoptic, depth or captions (default: all, 2.8 GB)",
    )
    fetch.add_argument("--rate", type=int, default=DEFAULT_RATE, help=RATE_HELP)
    fetch.add_argument(
        "--stripped",
        action="store_true",
        help="with sd21: keep only the tensors that are needed, and delete the original file",
    )
    _keep_old_name(fetch, "--slim", dest="stripped", action="store_true")
    fetch.add_argument(
        "--bfloat16", action="store_true", help="with --stripped: half the size, for CUDA devices"
    )
    fetch.add_argument("--endpoint", help="address of a hub to use instead of Hugging Face")

    for command in (decode, verify):
        command.add_argument(
            "--profile", help="nano or sd21 (default: the one recorded in the file)"
        )
    for command in (encode, decode, verify):
        command.add_argument(
            "--device",
            choices=("cpu", "cuda"),
            default="cpu",
            help="where the networks run (default cpu)",
        )
    for command in (encode, decode, verify, fetch):
        command.add_argument(
            "--cache-dir",
            type=Path,
            help=f"folder of downloads (default: ${CACHE_VARIABLE}, else ~/.cache/difficmh)",
        )
    for command in (encode, decode, info, verify, fetch):
        command.add_argument("--json", action="store_true", help="print the result as JSON")
    for name, words in (
        ("compare", "compress a photo with every codec, and measure; has its own --help"),
        ("evaluate", "the same for a folder of photos; has its own --help"),
    ):
        commands.add_parser(name, help=words, add_help=False)
    commands.add_parser("train", help="train the networks; has its own --help", add_help=False)
    return parser


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


def _add_decode_settings(parser: argparse.ArgumentParser) -> None:
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
            **_reading_of(setting),
        )


def _reading_of(setting: Setting) -> dict[str, Any]:
    """How argparse reads a setting."""
    match setting:
        case Number():
            return {"type": setting.value_type}
        case Interval():
            return {"type": float, "nargs": 2}
        case Choice():
            return {"choices": list(setting.labels)}
        case _:
            return {"type": int}


def _keep_old_name(parser: argparse.ArgumentParser, name: str, **option: Any) -> None:  # noqa: ANN401
    """Take an option by the name that it had before, too; no help mentions it."""
    parser.add_argument(name, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **option)
