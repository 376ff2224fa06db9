"""Command lines: errors in one line, and programs called by the names that start them."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports a misspelled command in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"error: {message}. See `{self.prog} --help`.\n")


def _name(installed: str, in_a_clone: str) -> str:
    return installed if Path(sys.argv[0]).stem == installed else in_a_clone


PROGRAM = _name("difficmh", "python -m difficmh_core")
PAGE_PROGRAM = _name("difficmh-page", "app.py")
