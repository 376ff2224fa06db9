"""Uploads are deleted once they are read, but never the page's own files."""

import pytest
from PIL import Image

from ui.workshop import Workshop


@pytest.mark.parametrize("is_example", [False, True])
def test_an_upload_is_deleted_unless_it_is_an_example(codec, tmp_path, is_example):
    upload = tmp_path / "upload" / "photo.png"
    upload.parent.mkdir()
    Image.new("RGB", (64, 64)).save(upload)
    workshop = Workshop(
        codec, max_pixels=10_000, cache_dir=str(tmp_path / "served"), uploads={str(upload)}
    )
    workshop.kept = {str(upload)} if is_example else set()
    workshop.receive(upload)
    assert upload.is_file() == is_example
