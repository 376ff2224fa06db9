"""Weights that tests need, where somebody has fetched them."""

from pathlib import Path

import pytest

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import PackageCard


def folder_with(*cards: PackageCard) -> Path:
    """The folder of downloads; without one of these files, the test is skipped."""
    for card in cards:
        if not is_cached(card, cache_folder()):
            pytest.skip(f"{card.file} is not in the cache; run `python -m difficmh_core fetch`")
    return cache_folder()
