"""Read weights from files and put them into modules, strictly: no key lost, none left over.

What ``torch.save`` wrote is read by PyTorch's reader that can build numbers and nothing else.
"""

import pickle
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from difficmh_core.errors import CheckpointError

_N_NAMES_SHOWN = 3
READING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)
"""What the readers of pickles raise on damaged files; they promise no narrower class."""

Rules = Sequence[tuple[str, str]]
"""Regular expressions and what replaces each, in the order in which they are applied."""


def rename_below(prefix: str, tensors: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Return the tensors below a prefix under the names that the rules give them."""
    renamed = dict[str, Tensor]()
    for key, tensor in tensors.items():
        if key.startswith(prefix):
            ours = key.removeprefix(prefix)
            for pattern, replacement in rules:
                ours = re.sub(pattern, replacement, ours)
            renamed[ours] = tensor
    return renamed


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

    def misfit(what: str) -> CheckpointError:
        return CheckpointError(
            f"The weights {name} do not fit {type(module).__name__}: {what}. "
            "Use the weights that belong to this configuration."
        )

    state = module.state_dict()
    missing = sorted(state.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - state.keys())
    if missing or unexpected:
        raise misfit(f"{_shown(missing)} missing, {_shown(unexpected)} unexpected")
    for key, own in state.items():
        given = tensors[key]
        if given.shape != own.shape:
            found, expected = tuple(given.shape), tuple(own.shape)
            raise misfit(f"{key} has the shape {found}, expected {expected}")
        if given.is_floating_point() != own.is_floating_point():
            raise misfit(f"{key} holds {given.dtype}, expected {own.dtype}")
    is_empty = any(value.is_meta for value in state.values())
    converted = {key: tensors[key].to(own.dtype) for key, own in state.items()}
    module.load_state_dict(converted if is_empty else dict(tensors), assign=is_empty)


def read_safetensors(
    path: Path, device: torch.device | str = "cpu"
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file and return its tensors and its metadata.

    Raises:
        CheckpointError: If the file is missing or damaged, or holds complex numbers.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    except (SafetensorError, *READING_ERRORS) as error:
        raise unreadable(path, error) from error
    for key, value in tensors.items():
        _refuse_complex(path, key, value)
    return tensors, metadata


def read_torch_file(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors that ``torch.save`` wrote.

    Raises:
        CheckpointError: If the file is missing, damaged, or holds anything but named tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except READING_ERRORS as error:
        raise unreadable(path, error) from error
    if not isinstance(content, Mapping):
        raise unreadable(path, f"it holds a {type(content).__name__}")
    return named_tensors(content, path)


def named_tensors(content: Mapping[object, object], path: Path) -> dict[str, Tensor]:
    """Read a file of ``torch.save``, if it holds nothing but named tensors.

    Raises:
        CheckpointError: If a name is none, or a value is no tensor, one without values of its own,
            one of complex numbers, or one that announces more of them than the file has bytes for.
    """
    n_bytes, tensors = path.stat().st_size, dict[str, Tensor]()
    for key, value in content.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)):
            raise unreadable(path, f"{str(key)[:100]!r} is a {type(value).__name__}")
        is_plain = value.layout is torch.strided and not (value.is_meta or value.is_quantized)
        if not is_plain or value.numel() * value.element_size() > n_bytes:
            raise unreadable(
                path, f"{key!r} announces {tuple(value.shape)} values that the file does not hold"
            )
        _refuse_complex(path, key, value)
        tensors[key] = value.detach()
    return tensors


def _refuse_complex(path: Path, key: str, value: Tensor) -> None:
    """Refuse complex numbers, which no network here has: copying them drops a part unsaid."""
    if value.is_complex():
        raise unreadable(path, f"{key!r} holds complex numbers, expected real ones")


def unreadable(path: Path, reason: object) -> CheckpointError:
    """Return the error that says why a file of weights cannot be read."""
    return CheckpointError(
        f"The weights {path.name} cannot be read: {first_line(reason)}. "
        "Get the file again, or name another one."
    )


def first_line(reason: object) -> str:
    """An error's words in one line, or its class where it has none."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return lines[0].rstrip(".")


def _shown(names: list[str]) -> str:
    """Return the number of names and the first few of them."""
    if not names:
        return "none"
    more = ", ..." if len(names) > _N_NAMES_SHOWN else ""
    return f"{len(names)} ({', '.join(names[:_N_NAMES_SHOWN])}{more})"


def tensors_below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
