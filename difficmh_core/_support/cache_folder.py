"""The folder of fetched weights: what the environment names, or the default."""

import os
from collections.abc import Mapping
from pathlib import Path

CACHE_VARIABLE = "DIFFICMH_CACHE"
"""Environment variable that names the folder."""


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that programs and the library take unless a caller names another.

    It is the one setting that the library reads from the environment: what a command fetched, a
    program in Python finds without being told where.
    """
    named = environment.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "difficmh"
