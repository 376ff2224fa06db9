"""How packaged weights are stored: in half precision, or large ones in 8 bits.

In 8 bits, each output channel of a convolution or matrix has its own step, so that a channel of
small weights keeps its accuracy::

    NAME          int8, the weight's shape, -127 to 127
    NAME.step     float32, one for each output channel
    weight = NAME * NAME.step

References:
    Krishnamoorthi: Quantizing deep convolutional networks for efficient inference, 2018, section 3
    (symmetric, per channel), https://arxiv.org/abs/1806.08342
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from difficmh_core.errors import CheckpointError

_STEP = ".step"
_HIGHEST = 127
_LARGE = 4096
"""Smaller weights stay in half precision: there is nothing to gain."""


def round_to_half(module: nn.Module) -> None:
    """Round every weight to half precision, so that what is measured is what ships."""
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data.copy_(tensor.data.half())


def stored(module: nn.Module, *, in_eight_bits: str | None = None) -> dict[str, Tensor]:
    """Return a network's state as it is packaged.

    Args:
        module: The network.
        in_eight_bits: Weights of at least 4,096 values whose names begin with this are stored in 8
            bits, all other floating-point values in half precision. Their first dimension must be
            the output channels; a transposed convolution's is not.
    """
    tensors = dict[str, Tensor]()
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            tensors[name] = tensor.contiguous()
        elif (
            in_eight_bits is not None
            and name.startswith(in_eight_bits)
            and tensor.dim() > 1
            and tensor.numel() >= _LARGE
        ):
            rows = tensor.float().flatten(1)
            step = rows.abs().amax(dim=1) / _HIGHEST
            # A channel of zeros has no step.
            levels = rows / torch.where(step > 0, step, 1.0).unsqueeze(1)
            tensors[name] = levels.round().to(torch.int8).view(tensor.shape).contiguous()
            tensors[name + _STEP] = step
        else:
            tensors[name] = tensor.half().contiguous()
    return tensors


def restored(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return stored weights with those in 8 bits as float32 again.

    Args:
        tensors: What :func:`stored` returned.
        name: What the weights are, for messages: "nano/autoencoder.safetensors".

    Raises:
        CheckpointError: If a weight in 8 bits has no steps, or not one for each output channel.
    """
    values = {key: value for key, value in tensors.items() if not key.endswith(_STEP)}
    for key, levels in values.items():
        if levels.dtype != torch.int8:
            continue
        step = tensors.get(key + _STEP)
        if step is None or step.shape != levels.shape[:1]:
            raise CheckpointError(
                f"The weights {name} hold {key} in 8 bits, with "
                f"{'no steps' if step is None else f'steps of the shape {tuple(step.shape)}'}; "
                f"expected {levels.shape[0]}, one for each output channel. Get the file again."
            )
        values[key] = levels * step.view(-1, *[1] * (levels.dim() - 1))
    return values
