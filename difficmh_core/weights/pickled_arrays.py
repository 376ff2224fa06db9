"""Read pickles of NumPy's arrays without NumPy's or pickle's own readers, which trust a file.

The names that such a pickle asks for become descriptions made of plain Python, so that a file can
neither call anything nor reserve memory beyond its own bytes; arrays are made of them at the end.
pickle's reader in C is not used, since one instruction makes it reserve tens of gigabytes.
"""

import io
import math
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from difficmh_core.weights.loading import READING_ERRORS, unreadable

_NUMBERS = re.compile(r"[fiu][1248]")
"""Element types: floating point, integers and natural numbers of so many bytes."""
_MAX_DEPTH = 50
"""Of dictionaries inside each other."""


def read_numpy_pickle(path: Path) -> dict[str, Tensor]:
    """Read a pickle of nested dictionaries of arrays; names are joined with dots.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds anything but arrays.
    """
    tensors: dict[str, Tensor] = {}
    try:
        content = _ArrayUnpickler(io.BytesIO(path.read_bytes())).load()
        _flatten(content, (), tensors)
    except READING_ERRORS as error:
        raise unreadable(path, error) from error
    return tensors


class _ElementType:
    """A pickled ``numpy.dtype``: what it was called with, and its byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if not _NUMBERS.fullmatch(code):
            raise pickle.UnpicklingError(f"it holds elements of the type {code[:20]!r}")
        self._code, self._order = code, "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self._order = {"<": "<", ">": ">"}.get(str(state[1]), "=")

    def to_numpy(self) -> np.dtype[np.generic]:
        """Return the element type."""
        return np.dtype(self._order + self._code)


class _Array:
    """A pickled ``numpy.ndarray``: its shape, element type, order and bytes."""

    _state: tuple[tuple[int, ...], _ElementType, bool, bytes] | None = None

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, shape, element_type, is_fortran, data = state
        is_shape = isinstance(shape, tuple) and all(isinstance(n, int) for n in shape)
        if not (is_shape and isinstance(element_type, _ElementType) and isinstance(data, bytes)):
            raise pickle.UnpicklingError("it holds an array of something else than numbers")
        self._state = shape, element_type, bool(is_fortran), data  # type: ignore[assignment]

    def to_tensor(self) -> Tensor:
        """Return the values, in an array of their own and this machine's byte order."""
        if self._state is None:
            raise pickle.UnpicklingError("it holds an array without contents")
        shape, element_type, is_fortran, data = self._state
        dtype = element_type.to_numpy()
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
            raise pickle.UnpicklingError(
                f"it holds an array of the shape {shape} in {len(data):,} bytes"
            )
        values = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
        return torch.from_numpy(values.astype(dtype.newbyteorder("="), order="C"))


def _reconstruct(*_: object) -> _Array:
    """Stand in for what NumPy calls to make an array that is filled afterwards."""
    return _Array()


_ALLOWED_NAMES: Mapping[tuple[str, str], Callable[..., object] | str] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): "only handed to _reconstruct, never called",
    ("numpy", "dtype"): _ElementType,
}
"""All that a pickled file of arrays needs; every other name is refused."""


class _ArrayUnpickler(pickle._Unpickler):
    """Reads descriptions of arrays; calls nothing else that a file may name."""

    def find_class(self, module: str, name: str) -> Callable[..., object] | str:
        """Return one of the allowed names, or refuse."""
        try:
            return _ALLOWED_NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def _flatten(node: object, names: tuple[str, ...], tensors: dict[str, Tensor]) -> None:
    if isinstance(node, dict) and len(names) < _MAX_DEPTH:
        for key, value in node.items():
            _flatten(value, (*names, str(key)), tensors)
    elif isinstance(node, _Array):
        tensors[".".join(names)] = node.to_tensor()
    else:
        raise pickle.UnpicklingError(f"{'.'.join(names) or 'it'} is no array of numbers")
