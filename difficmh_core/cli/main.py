"""The command line: ``python -m difficmh_core encode | decode | compare | ...``.

Results go to standard output, for people or with ``--json`` for programs; progress and notes on
the picture go to standard error. The exit code is 0 on success, 1 on an error (one line,
``error: ...``), 2 on a misspelled command and 130 after Ctrl-C. Output files appear whole or not
at all.

Networks are imported only by the commands that run them, so that ``info`` and every ``--help``
answer at once.
"""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path

from difficmh_core import __version__
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.command_lines import PROGRAM, OneLineParser
from difficmh_core.cli.coding import add_decode, add_encode, add_info, add_verify
from difficmh_core.cli.compare import add_compare
from difficmh_core.cli.evaluate import add_evaluate
from difficmh_core.cli.fetch import add_fetch
from difficmh_core.cli.study import add_study
from difficmh_core.cli.train import add_train
from difficmh_core.errors import DiffICMHError
from difficmh_core.evaluation.lines import json_of

COMMANDS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "encode": ("compress a photo", add_encode),
    "decode": ("decode a file to an image", add_decode),
    "info": ("show every field of a file and the size of its sections", add_info),
    "verify": ("check a file without decoding the image", add_verify),
    "fetch": ("download the weights that do not ship with the program", add_fetch),
    "compare": ("compress a photo with every codec, and measure", add_compare),
    "evaluate": ("the same for a folder of photos", add_evaluate),
    "study": ("decode a photo in several ways, and measure", add_study),
    "train": ("train the networks", add_train),
}
"""What each command does, and what adds its words to a parser, ``run`` among them: it takes what
was parsed, and returns the :class:`Report` to print, if there is one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; ``None`` takes those of this process.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows does not take every letter
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        arguments = build_parser(words).parse_args(words)
        arguments.cache_dir = arguments.cache_dir or cache_folder()
        _set_up_logging(shows_all=arguments.shows_all_logs)
        report = arguments.run(arguments)
        if report is None:
            return 0
        output = json_of(report.fields) if arguments.json else report.text
        stream = sys.stderr if report.is_beside_data else sys.stdout
        stream.write(output + "\n")
        stream.flush()
    except DiffICMHError as error:
        return _fail(str(error))
    except OSError as error:
        _drop_unwritten()
        place = "" if error.filename is None else f"{error.filename}: "
        return _fail(f"{place}{error.strerror or error}.")
    except KeyboardInterrupt:
        return 130
    return int(report.exit_code)


def build_parser(words: Container[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of every command; what it returns holds the command's name in ``command``.

    Args:
        words: What it is for: a command that is not among them gets no options, which saves time.
    """
    parser = OneLineParser(prog=PROGRAM, description="Diff-ICMH, a generative image codec.")
    parser.add_argument("--version", action="version", version=f"difficmh {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (what, add_command) in COMMANDS.items():
        command = commands.add_parser(name, help=what)
        if name in words:
            add_command(command)
    parser.set_defaults(cache_dir=None, json=False, shows_all_logs=False)
    return parser


def _set_up_logging(*, shows_all: bool) -> None:
    """Show this package's warnings on standard error, and nothing that others log; or all."""
    if shows_all:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        return
    logging.basicConfig(handlers=[logging.NullHandler()])
    if logging.lastResort is not None:
        logging.getLogger("difficmh_core").addHandler(logging.lastResort)


def _drop_unwritten() -> None:
    """Let go of what standard output does not take: Python would complain again as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 1
