"""Options that several commands have."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from difficmh_core._support.cache_folder import CACHE_VARIABLE
from difficmh_core.config.decoding import SETTINGS
from difficmh_core.config.profiles import (
    DEFAULT_PRESET,
    DEFAULT_RATE,
    RATE_HELP,
    either_of,
    presets_of,
)

_SHARED: Mapping[str, Mapping[str, Any]] = {
    "--rate": {"type": int, "default": DEFAULT_RATE, "help": RATE_HELP},
    "--device": {
        "choices": ("cpu", "cuda"),
        "default": "cpu",
        "help": "where the networks run (default %(default)s)",
    },
    "--cache-dir": {
        "type": Path,
        "help": f"folder of downloads (default: ${CACHE_VARIABLE}, else ~/.cache/difficmh)",
    },
    "--json": {"action": "store_true", "help": "print the result as JSON"},
}
_OLD_NAMES = {"--iterations": "--passes", "--stripped": "--slim"}
"""What an option was called before; no help mentions it."""


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options that mean the same in every command."""
    for name in names:
        parser.add_argument(name, **_SHARED[name])


def add_renamed(parser: argparse.ArgumentParser, name: str, **option: Any) -> None:  # noqa: ANN401 (as argparse takes it)
    """Add an option that goes by the name that it had before, too."""
    parser.add_argument(name, **option)
    hidden = option | {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument(_OLD_NAMES[name], dest=name.removeprefix("--"), **hidden)


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """Add the preset and every decoding setting."""
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


def limit_of(text: str) -> int:
    """Parse ``--limit``, how many photos are taken.

    Raises:
        ArgumentTypeError: If it is no number above zero.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, got {text!r}")
    return int(text)


def names_of(choice: str) -> list[str]:
    """Split ``"a,b"``; ``none`` means no names."""
    return [] if choice == "none" else [name for name in choice.split(",") if name.strip()]
