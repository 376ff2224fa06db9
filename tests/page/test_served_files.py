"""Files that the page keeps for visitors: names, room, and how long."""

import os
import time
from pathlib import Path

import pytest
from gradio.data_classes import FileData

from difficmh_core.ui.runtime import served_files
from difficmh_core.ui.runtime.served_files import ForeignFileError, FullError, ServedFiles


@pytest.fixture
def files(tmp_path) -> ServedFiles:
    return ServedFiles(tmp_path / "served")


def grow_old(path, seconds=10_000) -> None:
    """Let a file look as if it had been written long ago; only its inode knows better."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_was_saved_may_be_named_in_every_form(files):
    name = files.save(b"data", "a.png")
    for named in (name, {"path": name}, FileData(path=name, meta={"_type": "gradio.FileData"})):
        assert files.path_of(named).read_bytes() == b"data"
    assert files.path_of(f"http://here/gradio_api/file={name}") == files.path_of(name)


def test_a_browser_may_write_slashes_where_windows_does_not(files, monkeypatch):
    name = files.save(b"data", "a.png")
    monkeypatch.setattr(served_files.os, "sep", "\\")
    there = name.replace("/", "\\")
    files.made.add(there)
    assert served_files.address_of(there) == f"gradio_api/file={name}"
    files._uploads.add(there)
    assert str(files.path_of(f"http://here/gradio_api/file={name}")) == there
    assert str(files.path_of({"path": name})) == there
    files.check_shown(name)


def test_a_file_that_is_being_sent_is_deleted_later(files, monkeypatch):
    """Windows deletes no file that is open."""
    path = files.path_of(files.store_upload(b"data", "a.png"))
    monkeypatch.setattr(files, "_is_result", lambda _: False)
    grow_old(path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError()))
        files.keep_s = -1.0
        files.sweep()
        files.delete_upload(path)
        assert path.exists()
        assert files.read_in(path) is None
        assert files.path_of(str(path)) == path
    files.sweep()
    assert not path.exists()
    with pytest.raises(ForeignFileError):
        files.path_of(str(path))


@pytest.mark.parametrize(
    "named", [None, 3, "", [], {}, {"path": None}, {"path": {}}, "/etc/passwd"]
)
def test_nothing_else_may(files, named):
    with pytest.raises(ForeignFileError):
        files.path_of(named)


def test_a_result_of_another_process_is_known_by_its_name(files, tmp_path):
    """Where GPUs are borrowed, results are saved in a process of their own."""
    name = files.save(b"data", "a.png")
    other = ServedFiles(tmp_path / "served")
    assert other.path_of(name).read_bytes() == b"data"


def test_a_file_whose_content_is_not_what_its_name_says_is_refused(files):
    name = files.save(b"data", "a.png")
    files.path_of(name).write_bytes(b"other")
    with pytest.raises(ForeignFileError):
        files.path_of(name)


def test_a_link_in_the_place_of_a_result_is_refused(files, tmp_path):
    path = files.path_of(files.save(b"data", "a.png"))
    (tmp_path / "other").write_bytes(b"data")
    path.unlink()
    path.symlink_to(tmp_path / "other")
    with pytest.raises(ForeignFileError):
        files.path_of(str(path))


def test_the_same_content_is_written_once_and_lives_on(files):
    name = files.save(b"data", "a.png")
    grow_old(name)
    assert files.save(b"data", "a.png") == name
    assert time.time() - Path(name).stat().st_mtime < 60


@pytest.mark.parametrize(
    "name", ["../../a.png", "a/b.png", "..", "", "a\0b.png", "a" * 300, "é" * 300]
)
def test_a_name_stays_in_its_folder_and_fits(files, name):
    path = files.path_of(files.save(b"data", name))
    assert path.parent.parent == files.folder
    assert path.read_bytes() == b"data"


def test_old_files_and_empty_folders_go(files, monkeypatch):
    old, new = files.save(b"old", "a.png"), files.save(b"new", "b.png")
    later = time.time() + 2 * files.keep_s
    os.utime(new, (later, later))  # it was used again
    files.sweep()
    assert Path(old).exists()
    monkeypatch.setattr(time, "time", lambda: later)
    files.sweep()
    assert not Path(old).exists()
    assert Path(new).exists()
    assert old not in files.made
    assert not Path(old).parent.exists()


def test_room_is_bounded_and_free_again_once_an_upload_has_come(tmp_path):
    files = ServedFiles(tmp_path, max_bytes=1000)
    with files.room_for(600), pytest.raises(FullError), files.room_for(600):
        pass
    with files.room_for(600):
        pass


def test_an_upload_that_was_read_is_forgotten(tmp_path):
    uploads = {str(tmp_path / "a")}
    files = ServedFiles(tmp_path, uploads=uploads)
    files.delete_upload(tmp_path / "a")
    assert uploads == set()


@pytest.mark.parametrize(
    "name", ["http://x" + "/gradio_api/file=/" * 8000 + "#", "/" * 100_000, "/a/" + "b" * 300]
)
def test_a_long_name_is_refused_at_once(files, name):
    """A pattern that tries every place where the route may begin would take minutes."""
    started = time.process_time()
    with pytest.raises(ForeignFileError):
        files.path_of(name)
    with pytest.raises(ForeignFileError):
        files.path_of(str(files.folder / ("a" * 64) / ("b" * 300)))
    assert time.process_time() - started < 0.1
