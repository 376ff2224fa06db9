"""Networks that use their weights as they lie in a file: mapped, in the file's element type.

A network built on the device ``meta`` takes the tensors that a file is mapped to. On a CPU they
stay where they are: what a command never uses is never read, and the system takes the memory of
the rest back when something else needs it. Large weights that are stored in half the precision
stay so, too, and each layer widens its own while it runs; that computes the same as widening
all of them at once, in the memory of one layer.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_MATRIX = 2
"""Weights of so many dimensions are worth keeping as stored; vectors are small."""


class _Widened(nn.Module):
    """A stored weight in a wider element type, made anew at every use."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def forward(self, stored: Tensor) -> Tensor:
        # In the layout that the convolutions of a CPU like best, since it is written anyway.
        layout = torch.channels_last if stored.dim() == 4 else torch.contiguous_format
        return stored.to(self._dtype, memory_format=layout)


def settle(network: nn.Module, device: torch.device | str, dtype: torch.dtype) -> None:
    """Bring a loaded network to a device, to compute in an element type.

    On another device than the CPU the weights are copied there, one after the other, so that
    nothing of them stays on the host once the file's tensors are let go of.

    Args:
        network: Filled by :func:`.load_strict`; its weights need no gradient.
        device: Where it shall run.
        dtype: What it computes in; narrower matrices on a CPU stay as they are stored.
    """
    if torch.device(device).type != "cpu":
        network.to(device, dtype)
        return
    for module in list(network.modules()):
        for name, value in list(module.named_parameters(recurse=False)):
            if value.dtype == dtype or not value.is_floating_point():
                continue
            if value.dim() >= _MATRIX and value.dtype.itemsize < dtype.itemsize:
                parametrize.register_parametrization(module, name, _Widened(dtype), unsafe=True)
            else:
                value.data = value.data.to(dtype)
    for module in network.modules():
        for buffer in module.buffers(recurse=False):
            if buffer.is_floating_point():
                buffer.data = buffer.data.to(dtype)
