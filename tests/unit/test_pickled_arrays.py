"""A pickle of arrays makes arrays, as large as the file, and nothing else."""

import pickle

import numpy as np
import pytest

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.pickled_arrays import read_numpy_pickle


@pytest.fixture
def read(tmp_path):
    """Read these bytes as a file."""

    def read(data):
        path = tmp_path / "toy.ckpt"
        path.write_bytes(data)
        return read_numpy_pickle(path)

    return read


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "<f8", "|u1", "|i1", "<i8", ">i2"])
def test_arrays_come_back_in_any_order_of_bytes_and_axes(read, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    tensors = read(pickle.dumps({"c": values, "f": np.asfortranarray(values), "0": values[:0]}))
    assert tensors["c"].tolist() == tensors["f"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensors["0"].shape == (0, 3)
    tensors["c"] += 1  # of their own, so that they can be changed


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        (b"cnumpy\nndarray\n(J\xff\xff\xff\x7ftR.", "not callable"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R.", "without contents"),
        (b"\x80\x02}r\xff\xff\xff\xff.", ""),  # pickle's reader in C takes 64 GB for this
        (b"\x80\x02}q\0X\x01\0\0\0ah\0s.", "is no array"),
        (b"cnumpy\ndtype\n(X\x02\0\0\0O8tR.", "elements of the type 'O8'"),
        (b"cnumpy\ndtype\n(X\x04\0\0\0f4,OtR.", "elements of the type"),
        (b"cbuiltins\neval\n(X\x01\0\0\0" + b"1tR.", r"asks for builtins\.eval"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "cannot be read"),
    ],
)
def test_hostile_instructions_are_refused_without_their_memory(read, instructions, words):
    if not words:
        assert read(instructions) == {}
        return
    with pytest.raises(CheckpointError, match=words):
        read(instructions)


def test_an_array_larger_than_its_bytes_is_refused(read):
    data = pickle.dumps({"a": np.zeros((3, 5), dtype=np.float32)})
    with pytest.raises(CheckpointError, match=r"shape \(3, 6\) in 60 bytes"):
        read(data.replace(b"K\x03K\x05", b"K\x03K\x06"))


def test_a_thousand_dictionaries_inside_each_other_are_refused(read):
    nested = np.ones(1)
    for _ in range(60):
        nested = {"a": nested}
    with pytest.raises(CheckpointError, match="no array of numbers"):
        read(pickle.dumps(nested))
