"""Pickled checkpoints: PyTorch's and Lightning's, as they are and behind a ZIP file that fits."""

import io
import sys
import warnings
import zipfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import read_torch_file
from difficmh_core.weights.pickled_arrays import read_numpy_pickle
from difficmh_core.weights.published.checkpoint import read_checkpoint

STORAGE = bytes(range(64))
_NEVER_IMPORTED = ("antigravity", "this")
"""Modules that a corpus file names and that nothing else needs."""


@cache
def folder():
    """Where the bytes become a file, for as long as this process lives."""
    return Path(mkdtemp(prefix="fuzz-pickles-"))


def in_zip(pickled):
    """A file as ``torch.save`` writes it, around these instructions and one storage."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", STORAGE)
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def fuzz(data):
    """Read bytes as each kind of file; named tensors within its size, or a CheckpointError."""
    whole = data if data.startswith(b"PK") else in_zip(data)
    for read, content in (
        (read_checkpoint, whole),
        (read_torch_file, whole),
        (read_torch_file, data),
        (read_numpy_pickle, data),
    ):
        path = folder() / "model.ckpt"
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch warns of other protocols, and goes on
                tensors = read(path)
        except CheckpointError:
            continue
        for name, value in tensors.items():
            if value.numel() * value.element_size() > len(content):
                raise AssertionError(f"{name} of {len(content)} bytes has {value.numel()} values")
            value.double().sum().item()  # every value can be read
    if imported := [name for name in _NEVER_IMPORTED if name in sys.modules]:
        raise AssertionError(f"reading a pickle imported {imported}")
