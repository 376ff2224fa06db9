"""The reference values, for every test of this folder."""

import os
from pathlib import Path

import pytest

from tests.reference import DEFAULT_FOLDER, Parity


@pytest.fixture(scope="session")
def parity() -> Parity:
    """Return the folder of reference values, or skip naming it."""
    folder = Path(os.environ.get("DIFFICMH_PARITY", DEFAULT_FOLDER))
    if not folder.is_dir():
        pytest.skip(f"no folder of reference values at {folder} (set DIFFICMH_PARITY)")
    return Parity(folder)
