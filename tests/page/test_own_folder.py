"""The folder of a running page: its own, gone at its end, and gone at the next start if killed."""

import os
import tempfile
from pathlib import Path

import pytest

from difficmh_core.ui.runtime import own_folder as module
from difficmh_core.ui.runtime.own_folder import own_folder


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(params=["as here", "as on Windows"])
def system(request, monkeypatch):
    """Windows has no such locks, and refuses to delete a file or rename a folder in use."""
    if request.param == "as on Windows":
        monkeypatch.setattr(module, "_HAS_LOCKS", False)
        monkeypatch.delattr(os, "O_NOFOLLOW")
        monkeypatch.delattr(module, "fcntl")
        monkeypatch.setattr(Path, "rename", None)


def left_by_a_killed_page(parent):
    folder = parent / "difficmh-killed"
    (folder / "served").mkdir(parents=True)
    (folder / "served" / "photo.png").write_bytes(b"a visitor's")
    (folder / "in-use").touch()
    return folder


@pytest.mark.usefixtures("system")
def test_files_go_into_a_folder_that_ends_with_the_page(parent):
    with own_folder() as served:
        assert served.parent.parent == parent
        assert os.environ["GRADIO_TEMP_DIR"] == str(served)
        assert Path(tempfile.gettempdir()).parent == served.parent
    assert list(parent.iterdir()) == []


@pytest.mark.usefixtures("system")
def test_what_a_killed_page_left_is_deleted(parent):
    left = left_by_a_killed_page(parent)
    other = parent / "difficmh-notes"
    other.mkdir()
    with own_folder():
        assert not left.exists()
        assert other.exists()


def test_the_folder_of_another_page_stays(parent, monkeypatch):
    with own_folder() as first:
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(parent))
        with own_folder() as second:
            assert first.is_dir()
            assert second.parent != first.parent
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(first))


@pytest.mark.usefixtures("system")
def test_a_folder_that_cannot_be_deleted_stays(parent, monkeypatch):
    left = left_by_a_killed_page(parent)

    def refuse(*_):
        raise PermissionError("in use")

    monkeypatch.setattr(module, "_locked", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    module._delete_abandoned(parent)
    assert (left / "served" / "photo.png").exists()
