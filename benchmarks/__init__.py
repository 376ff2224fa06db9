"""Speed and quality, measured side by side with what a user would pick instead."""

import argparse
import sys


def check_system(parser: argparse.ArgumentParser) -> None:
    """Refuse to measure memory where it is not told as Linux tells it."""
    if sys.platform != "linux":
        parser.error("this benchmark measures memory, and knows how to on Linux only")
