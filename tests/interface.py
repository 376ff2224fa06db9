"""What callers rely on: the words of every command, and the page's endpoints.

``tests/golden/interface.json`` holds what was promised. The interface may grow, but all of that
must stay as it was; ``python -m tests.interface`` promises what is new, too.
"""

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from difficmh_core.cli.main import build_parser
from difficmh_core.errors import DiffICMHError
from difficmh_core.models.load import load_codec
from difficmh_core.ui.arguments import parse_arguments
from difficmh_core.ui.page import build_page
from difficmh_core.ui.showcase import main as showcase

__all__ = ["broken", "interface", "promised"]

ROOT = Path(__file__).parents[1]
PROMISED = ROOT / "tests" / "golden" / "interface.json"
PROGRAMS: Mapping[str, Callable[[Sequence[str]], object]] = {
    "difficmh": build_parser().parse_args,
    "difficmh-page": lambda words: parse_arguments(words, {}),
    "showcase": lambda _: showcase(),
}
"""What begins by parsing its words."""
SAMPLES = ("1", "0.5", "word", "cuda:1", "https://example.org", "a:b", "a=1")
"""Each word is tried with these, so that its type shows, however it is implemented."""
REFUSED = "refused"


class ParserFoundError(Exception):
    """Brings a parser out of the program that is about to use it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__(parser.prog)
        self.parser = parser


def promised() -> dict[str, Any]:
    """The interface that later versions must not break."""
    return json.loads(PROMISED.read_text())


def broken(promise: Any, actual: Any) -> bool:
    """Whether the actual interface differs from the promised one; it may have more."""
    if isinstance(promise, dict):
        return any(broken(promise[key], actual.get(key, REFUSED)) for key in promise)
    return promise != actual


def interface() -> dict[str, Any]:
    """The words of every command, and the page's endpoints."""
    words = {word: facts for program in PROGRAMS for word, facts in _words_of(program).items()}
    return words | _endpoints_of(build_page(load_codec("tiny")).demo.get_api_info())


def _words_of(program: str) -> dict[str, Any]:
    """Each argument and option of a program: its default, and what it makes of samples."""

    def found(parser: argparse.ArgumentParser, *_: object) -> None:
        raise ParserFoundError(parser)

    with (
        pytest.raises(ParserFoundError) as caught,
        mock.patch.object(argparse.ArgumentParser, "parse_known_args", found),
        mock.patch.dict(os.environ, {"DIFFICMH_CACHE": ""}),
        mock.patch.object(sys, "argv", [program]),
    ):
        PROGRAMS[program]([])
    return dict(_words(caught.value.parser, program))


def _endpoints_of(api_info: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters and results of each endpoint.

    Args:
        api_info: What Gradio tells about the page.
    """
    told = dict[str, Any]()
    for name, endpoint in api_info["named_endpoints"].items():
        told[name] = [result["python_type"]["type"] for result in endpoint["returns"]]
        for place, parameter in enumerate(endpoint["parameters"]):
            told[f"{name} {parameter['parameter_name']}"] = {
                "place": place,
                "type": parameter["python_type"]["type"],
                "has_default": parameter["parameter_has_default"],
                "default": parameter["parameter_default"],
            }
    return told


def _words(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, Any]]:
    commands = parser._subparsers
    if commands is not None:
        for command, inner in commands._group_actions[0].choices.items():
            yield from _words(inner, f"{name} {command}")
        return
    actions = [action for action in parser._actions if action.dest not in ("help", "version")]
    options = [action for action in actions if action.option_strings]
    arguments = [action for action in actions if not action.option_strings]
    needed = [
        word
        for option in options
        if option.required
        for word in (option.option_strings[0], _samples(option)[0])
    ]
    given = [_samples(argument)[0] for argument in arguments]
    for place, argument in enumerate(arguments):
        before, after = [*needed, *given[:place]], given[place + 1 :]
        facts = {
            sample: _read(parser, [*before, sample, *after], argument)
            for sample in _samples(argument)
        }
        if argument.nargs == "+":
            facts = {sample: _only(value) for sample, value in facts.items()}
        if argument.nargs in ("?", "*"):
            facts["default"] = _read(parser, before, argument)
        yield f"{name} {place}", facts
    for option in options:
        n_words = 0 if option.nargs == 0 else option.nargs if option.nargs == 2 else 1
        for spelling in option.option_strings:
            facts = {
                sample: _read(parser, [*needed, *given, spelling, *[sample] * n_words], option)
                for sample in (_samples(option) if n_words else ("given",))
            }
            if not option.required:
                facts["default"] = _read(parser, [*needed, *given], option)
            yield f"{name} {spelling}", facts


def _samples(action: argparse.Action) -> Sequence[str]:
    return [str(choice) for choice in action.choices] if action.choices else SAMPLES


def _read(parser: argparse.ArgumentParser, words: Sequence[str], action: argparse.Action) -> Any:
    """The value of an argument or option in a command line, or that the line is refused."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return _plain(getattr(parser.parse_args(words), action.dest))
    except (SystemExit, DiffICMHError):
        return REFUSED


def _only(value: Any) -> Any:
    """What one word gave, where a command may take several."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _plain(value: object) -> Any:
    """A value as JSON holds it, without places of this machine."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value).replace(str(ROOT), ".").replace(str(Path.home()), "~")
    return value.value if isinstance(value, Enum) else value


def main() -> None:
    """Promise the interface as it is, a line for each word."""
    lines = [f"{json.dumps(word)}: {json.dumps(facts)}" for word, facts in interface().items()]
    PROMISED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
