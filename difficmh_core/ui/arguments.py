"""The words that the page's program understands, each checked before anything slow is loaded.

Environment variables are read here, and the command line goes before them.
"""

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from difficmh_core import __version__
from difficmh_core._support.cache_folder import CACHE_VARIABLE, cache_folder
from difficmh_core._support.command_lines import PAGE_PROGRAM, OneLineParser
from difficmh_core.config.profiles import DEFAULT_RATE, PROFILE_NAMES, RATE_HELP
from difficmh_core.errors import ConfigError
from difficmh_core.ui.server.accounts import AUTH_VARIABLE, read_account_file, read_accounts
from difficmh_core.ui.server.limits import MAX_PIXELS, MAX_QUEUE, MAX_UPLOAD_MB
from difficmh_core.ui.server.listening import check_address

SPACES_ORIGINS = ("https://huggingface.co", "https://*.hf.space")
"""Where a Hugging Face Space is shown: in a frame of the hub's own page."""


def parse_arguments(
    words: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> argparse.Namespace:
    """Read the command line; a wrong word ends the program with one line, exit code 2.

    Args:
        words: Of the command line; ``None`` takes the program's.
        environment: Holds defaults.

    Returns:
        Besides the options, ``accounts``: names with passwords, or ``None`` for an open page.
    """
    parser = _build_parser(environment)
    arguments = parser.parse_args(words)
    arguments.root_path = arguments.root_path.rstrip("/")
    try:
        arguments.accounts = _accounts(arguments, environment)
        check_address(arguments.host, arguments.port)
    except ConfigError as error:
        parser.error(str(error).removesuffix("."))
    return arguments


def _build_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = OneLineParser(prog=PAGE_PROGRAM, description="Start the page of Diff-ICMH.")
    parser.add_argument("--version", action="version", version=f"difficmh {__version__}")
    networks = parser.add_argument_group("networks")
    networks.add_argument(
        "--profile",
        choices=PROFILE_NAMES,
        default="nano",
        help="networks to load (default: %(default)s)",
    )
    networks.add_argument("--rate", type=int, default=DEFAULT_RATE, help=RATE_HELP)
    networks.add_argument(
        "--device",
        type=_matching(r"cpu|cuda(:\d{1,2})?", "not cpu, cuda, or cuda:1 and so on"),
        help="device to run on: cpu, cuda, cuda:1 ... (default: cuda if there is one)",
    )
    networks.add_argument(
        "--cache-dir",
        type=Path,
        default=cache_folder(environment),
        help=f"folder of downloaded weights; also ${CACHE_VARIABLE} (default: %(default)s)",
    )
    _add_address(parser.add_argument_group("address"), environment)
    _add_visitors(parser.add_argument_group("visitors"), environment)
    _add_limits(parser.add_argument_group("limits"))
    return parser


def _add_address(group: argparse._ArgumentGroup, environment: Mapping[str, str]) -> None:
    group.add_argument(
        "--host",
        default=environment.get("GRADIO_SERVER_NAME") or "127.0.0.1",
        help="address to listen on; 0.0.0.0 for all of IPv4, :: for all of IPv6; also "
        "$GRADIO_SERVER_NAME (default: %(default)s)",
    )
    group.add_argument(
        "--port",
        type=_whole("a port", 1, 65_535),
        default=environment.get("GRADIO_SERVER_PORT") or None,
        help="port to listen on; also $GRADIO_SERVER_PORT (default: the first free one from 7860)",
    )
    group.add_argument(
        "--root-path",
        type=_matching(
            r"(https?://[\w.:\[\]-]+)?(/[\w.~-]+)*/?",
            "neither a path, such as /codec, nor a URL, such as https://example.org/codec",
        ),
        default=environment.get("GRADIO_ROOT_PATH") or "",
        metavar="PATH",
        help="where a reverse proxy shows the page: /codec, or https://example.org/codec where "
        "the proxy does not pass on the Host header; also $GRADIO_ROOT_PATH (default: /)",
    )
    group.add_argument(
        "--share",
        action="store_true",
        default=environment.get("GRADIO_SHARE", "").lower() == "true",
        help="also open a public link through Gradio's servers; also GRADIO_SHARE=true",
    )


def _add_visitors(group: argparse._ArgumentGroup, environment: Mapping[str, str]) -> None:
    group.add_argument(
        "--auth",
        action="append",
        metavar="USER:PASSWORD",
        help="let in only this user (may be given several times); everyone on this machine can "
        f"read a command line: use --auth-file or ${AUTH_VARIABLE} where that matters",
    )
    group.add_argument(
        "--auth-file",
        type=Path,
        metavar="FILE",
        help="let in only the users of this file, which has one USER:PASSWORD per line; also "
        f"${AUTH_VARIABLE}, with the lines themselves (default: everyone is let in)",
    )
    group.add_argument(
        "--framed-by",
        action="append",
        type=_matching(
            r"https?://(\*\.)?[\w.-]+(:\d{1,5})?",
            "not the origin of a site, such as https://example.org",
        ),
        default=list(SPACES_ORIGINS) if environment.get("SPACE_ID") else [],
        metavar="ORIGIN",
        help="a site that may show the page in a frame, such as https://example.org or "
        "https://*.example.org; may be given several times (default: none but the page itself; "
        "on a Hugging Face Space, the hub)",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-pixels",
        type=_whole("a number of pixels", 1),
        default=MAX_PIXELS,
        metavar="N",
        help="largest photo, in pixels (default: %(default)s)",
    )
    group.add_argument(
        "--max-upload",
        type=_whole("a number of megabytes", 1),
        default=MAX_UPLOAD_MB,
        metavar="N",
        help="largest upload, in MB (default: %(default)s)",
    )
    group.add_argument(
        "--max-queue",
        type=_whole("a number of requests", 1),
        default=MAX_QUEUE,
        metavar="N",
        help="requests that may wait, of all visitors together; further ones are refused "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--fetch-urls",
        action="store_true",
        help="let programs and assistants give photos as http and https addresses; only public "
        "addresses are fetched (default: files must be uploaded)",
    )


def _accounts(
    arguments: argparse.Namespace, environment: Mapping[str, str]
) -> Sequence[tuple[str, str]] | None:
    if arguments.auth and arguments.auth_file:
        raise ConfigError("Accounts come from --auth or --auth-file, not from both.")
    if arguments.auth:
        return read_accounts(arguments.auth, "--auth")
    if arguments.auth_file:
        return read_account_file(arguments.auth_file)
    if AUTH_VARIABLE in environment:
        return read_accounts(environment[AUTH_VARIABLE].splitlines(), f"${AUTH_VARIABLE}")
    return None


def _whole(what: str, least: int, most: int | None = None) -> Callable[[str], int]:

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= (most or 2**63):
            span = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}: a whole number {span}")
        return int(text)

    return read


def _matching(pattern: str, refusal: str) -> Callable[[str], str]:
    """Make what reads a word of a pattern; others are refused with what they are."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise argparse.ArgumentTypeError(f"{text!r} is {refusal}")
        return text

    return read
