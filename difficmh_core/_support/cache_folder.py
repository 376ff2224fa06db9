"""The folder of fetched weights: what the environment names, or the default."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CACHE_VARIABLE", "cache_folder", "default_cache_dir"]

CACHE_VARIABLE = "DIFFICMH_CACHE"
"""Environment variable that names the folder."""


def default_cache_dir() -> Path:
    """The folder that the library takes unless a caller names another."""
    return Path.home() / ".cache" / "difficmh"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that programs take unless an option names another.

    The library does not ask: only what starts a program reads the environment.
    """
    named = environment.get(CACHE_VARIABLE)
    return Path(named) if named else default_cache_dir()
