"""The command line: ``python -m difficmh_core encode | decode | compare | ...``.

Results go to standard output, for people or with ``--json`` for programs; progress and notes on
the picture go to standard error. The exit code is 0 on success, 1 on an error (one line,
``error: ...``), 2 on a misspelled command and 130 after Ctrl-C. Output files appear whole or not
at all.

Networks are imported only by the commands that run them, so that ``info`` and every ``--help``
answer at once.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from difficmh_core import __version__
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.command_lines import PROGRAM, OneLineParser
from difficmh_core.cli import coding, compare, evaluate, fetch, train
from difficmh_core.cli.output import Report
from difficmh_core.errors import DiffICMHError
from difficmh_core.evaluation.lines import json_of


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        help: What it does, in the list of commands.
        add_options: Adds its words to a parser.
        run: Does it; returns what to print, if anything.
        description: What its own help begins with.
        logs_all: Whether it shows what is logged, by others too, in the place of our warnings.
    """

    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Report | None]
    description: str | None = None
    logs_all: bool = False


COMMANDS = {
    "encode": Command("compress a photo", coding.add_encode_options, coding.encode),
    "decode": Command("decode a file to an image", coding.add_decode_options, coding.decode),
    "info": Command(
        "show every field of a file and the size of its sections",
        coding.add_info_options,
        coding.info,
    ),
    "verify": Command(
        "check a file without decoding the image", coding.add_verify_options, coding.verify
    ),
    "fetch": Command(
        "download the weights that do not ship with the program", fetch.add_options, fetch.fetch
    ),
    "compare": Command(
        "compress a photo with every codec, and measure",
        compare.add_options,
        compare.compare,
        "Compress a photo with every codec at the same size, and measure the results.",
    ),
    "evaluate": Command(
        "the same for a folder of photos",
        evaluate.add_options,
        evaluate.evaluate,
        "Compress a folder of photos with every codec at several rates, and measure the results. "
        "Resumes where it stopped.",
    ),
    "train": Command(
        "train the networks",
        train.add_options,
        train.train,
        "Train nano, stage by stage, or the ELIC that it is compared with.",
        logs_all=True,
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; ``None`` takes those of this process.

    Returns:
        The exit code.
    """
    try:
        arguments = build_parser().parse_args(argv)
        if getattr(arguments, "cache_dir", None) is None:
            arguments.cache_dir = cache_folder()
        command = COMMANDS[arguments.command]
        _set_up_logging(shows_all=command.logs_all)
        report = command.run(arguments)
    except DiffICMHError as error:
        return _fail(str(error))
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        return _fail(f"{place}{error.strerror or error}.")
    except KeyboardInterrupt:
        return 130
    if report is not None:
        is_json = getattr(arguments, "json", False)
        sys.stdout.write((json_of(report.fields) if is_json else report.text) + "\n")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; what it returns holds the command's name in ``command``."""
    parser = OneLineParser(prog=PROGRAM, description="Diff-ICMH, a generative image codec.")
    parser.add_argument("--version", action="version", version=f"difficmh {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        command.add_options(
            commands.add_parser(name, help=command.help, description=command.description)
        )
    return parser


def _set_up_logging(*, shows_all: bool) -> None:
    """Show this package's warnings on standard error, and nothing that others log; or all."""
    if shows_all:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        return
    logging.basicConfig(handlers=[logging.NullHandler()])
    if logging.lastResort is not None:
        logging.getLogger("difficmh_core").addHandler(logging.lastResort)


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 1
