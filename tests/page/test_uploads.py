"""Uploads are deleted once they are read, but never the page's own files."""

import pytest
from PIL import Image

from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.runtime.service import Workshop


@pytest.mark.parametrize("is_example", [False, True])
def test_an_upload_is_deleted_unless_it_is_an_example(codec, tmp_path, is_example):
    upload = tmp_path / "upload" / "photo.png"
    upload.parent.mkdir()
    Image.new("RGB", (64, 64)).save(upload)
    files = ServedFiles(tmp_path / "served", uploads={str(upload)})
    files.examples = {str(upload)} if is_example else set()
    Workshop(codec, max_pixels=10_000, files=files).receive(str(upload))
    assert upload.is_file() == is_example
