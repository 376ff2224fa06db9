"""Uploads are deleted once they are read, but never the page's own files."""

import pytest
from PIL import Image

from difficmh_core.ui.runtime.served_files import ForeignFileError, ServedFiles
from difficmh_core.ui.runtime.uploads import UploadStore


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "sent" / "photo.png"
    path.parent.mkdir()
    Image.new("RGB", (64, 64)).save(path)
    return path


def test_an_upload_is_deleted_and_known_for_a_while(photograph, tmp_path):
    """Gradio files uploads by content, so that two visitors may name the same one."""
    files = ServedFiles(tmp_path / "served", uploads={str(photograph)})
    uploads = UploadStore(files, max_pixels=10_000)
    received = uploads.receive(str(photograph))
    assert not photograph.is_file()
    assert uploads.receive(str(photograph)) == received


def test_an_upload_is_forgotten_when_many_came_after_it(photograph, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.ui.runtime.served_files.MAX_READ", 0)
    files = ServedFiles(tmp_path / "served", uploads={str(photograph)})
    uploads = UploadStore(files, max_pixels=10_000)
    uploads.receive(str(photograph))
    with pytest.raises(ForeignFileError):
        uploads.receive(str(photograph))


def test_an_example_stays(photograph, tmp_path):
    files = ServedFiles(tmp_path / "served", examples=[photograph], keep_s=-10)
    (example,) = files.examples
    received = UploadStore(files, max_pixels=10_000).receive(example)
    files.sweep()
    assert received.name == "photo"
    assert files.path_of(example).is_file()
    assert photograph.is_file()
