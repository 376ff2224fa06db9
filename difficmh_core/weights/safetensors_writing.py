"""Write a safetensors file one tensor at a time, so that memory need not hold all of them.

References:
    https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

_CODES: Mapping[torch.dtype, str] = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int8: "I8",
    torch.uint8: "U8",
}
_ALIGNMENT = 8  # of the first tensor [bytes]


def write_safetensors(
    tensors: Mapping[str, Tensor], dtypes: Mapping[str, torch.dtype], path: Path
) -> None:
    """Write tensors, each converted just before.

    Args:
        tensors: What to write, by name; they may be mapped from another file.
        dtypes: The element type in which each is written.
        path: The file; what was there is lost.

    Raises:
        OSError: If the file cannot be written; a part of it may be left.
    """
    # Wide elements first keeps each tensor aligned to its own.
    names = sorted(tensors, key=lambda name: (-dtypes[name].itemsize, name))
    header, end = dict[str, object](), 0
    for name in names:
        first, end = end, end + tensors[name].numel() * dtypes[name].itemsize
        header[name] = {
            "dtype": _CODES[dtypes[name]],
            "shape": list(tensors[name].shape),
            "data_offsets": [first, end],
        }
    words = json.dumps(header, separators=(",", ":")).encode()
    words += b" " * (-len(words) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        for name in names:
            values = tensors[name].to(dtypes[name]).contiguous().flatten()
            file.write(values.view(torch.uint8).numpy().data)
