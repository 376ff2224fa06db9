"""Inputs of the tests of many files."""

import fsspec
import pytest


@pytest.fixture
def folder(tmp_path):
    """Pictures, another file and odd names, two folders deep."""
    for name in ("b.jpg", "a.PNG", "notes.txt", "deep/c.jpg", "deep/er/d.jpg", "odd [1]*.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def memory():
    """Storage in memory, empty before and after."""
    storage = fsspec.filesystem("memory")
    yield storage
    storage.store.clear()
    storage.pseudo_dirs[:] = [""]
