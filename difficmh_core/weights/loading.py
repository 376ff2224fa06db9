"""Read weights from files and put them into modules, strictly: no key lost, none left over.

Pickled files are read with readers that can build numbers and nothing else.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from difficmh_core.errors import CheckpointError

__all__ = ["load_strict", "read_numpy_pickle", "read_safetensors", "read_torch_file"]

_N_NAMES_SHOWN = 3
_RECONSTRUCT_ARRAY = np.empty(0).__reduce__()[0]
_ALLOWED_GLOBALS: Mapping[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT_ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT_ARRAY,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""All that a pickled file of arrays needs; every other name is refused."""


def load_strict(module: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy tensors into a module whose state has exactly these names and shapes.

    Values are converted to the module's own element types; a floating-point tensor for an integer
    one, or the reverse, is refused.

    Args:
        module: The module to fill; one on the device ``meta`` takes the tensors themselves, so
            that those mapped from a file are read only when they are used.
        tensors: One tensor for each entry of the module's state.
        name: What the weights are, for messages: "nano/unet.safetensors".

    Raises:
        CheckpointError: If an entry is missing, left over, of another shape or of another kind.
    """
    state = module.state_dict()
    missing = sorted(state.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - state.keys())
    if missing or unexpected:
        raise CheckpointError(
            f"The weights {name} do not fit {type(module).__name__}: "
            f"{_shown(missing)} missing, {_shown(unexpected)} unexpected. "
            "Use the weights that belong to this configuration."
        )
    for key, own in state.items():
        given = tensors[key]
        if given.shape != own.shape:
            raise CheckpointError(
                f"The weights {name} do not fit {type(module).__name__}: {key} has the shape "
                f"{tuple(given.shape)}, expected {tuple(own.shape)}. "
                "Use the weights that belong to this configuration."
            )
        if given.is_floating_point() != own.is_floating_point():
            raise CheckpointError(
                f"The weights {name} do not fit {type(module).__name__}: {key} holds "
                f"{given.dtype}, expected {own.dtype}. "
                "Use the weights that belong to this configuration."
            )
    is_empty = any(value.is_meta for value in state.values())
    converted = {key: tensors[key].to(own.dtype) for key, own in state.items()}
    module.load_state_dict(converted if is_empty else dict(tensors), assign=is_empty)


def read_safetensors(
    path: Path, device: torch.device | str = "cpu"
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file and return its tensors and its metadata.

    Args:
        path: The file.
        device: Where the tensors shall lie.

    Raises:
        CheckpointError: If the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def read_torch_file(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors that ``torch.save`` wrote.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds anything but named tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(content, Mapping):
        raise _unreadable(path, f"it holds a {type(content).__name__}")
    tensors = {}
    for key, value in content.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)):
            raise _unreadable(path, f"{key!r} is a {type(value).__name__}")
        tensors[key] = value.detach()
    return tensors


def read_numpy_pickle(path: Path) -> dict[str, Tensor]:
    """Read a pickle of nested dictionaries of arrays; names are joined with dots.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds anything but arrays.
    """
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file).load()
    except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise _unreadable(path, error) from error
    tensors: dict[str, Tensor] = {}
    _flatten(content, "", tensors, path)
    return tensors


class _ArrayUnpickler(pickle.Unpickler):
    """Reads arrays; calls nothing else that a file may name."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - pickle's own signature
        """Return one of the allowed names, or refuse."""
        try:
            return _ALLOWED_GLOBALS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def _flatten(node: object, prefix: str, tensors: dict[str, Tensor], path: Path) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            _flatten(value, f"{prefix}.{key}" if prefix else str(key), tensors, path)
    elif isinstance(node, np.ndarray) and node.dtype.kind in "fiu":
        tensors[prefix] = torch.from_numpy(np.array(node))
    else:
        raise _unreadable(path, f"{prefix or 'it'} is no array of numbers")


def _unreadable(path: Path, reason: object) -> CheckpointError:
    return CheckpointError(
        f"The weights {path.name} cannot be read: {str(reason).rstrip('.')}. "
        "Get the file again, or name another one."
    )


def _shown(names: list[str]) -> str:
    """Return the number of names and the first few of them."""
    if not names:
        return "none"
    more = ", ..." if len(names) > _N_NAMES_SHOWN else ""
    return f"{len(names)} ({', '.join(names[:_N_NAMES_SHOWN])}{more})"
