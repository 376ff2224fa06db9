"""Large feature maps, strip by strip of rows: the same numbers sooner, and steps in between.

A convolution sees a few rows above and below each of its own. Given these, too, a strip comes out
as it does in the whole: to the last bit where oneDNN sums both in the same order, as it does for
the networks of nano. Where the strips lie depends on the size of the map and on nothing else.
Strips fit into the memory that the allocator keeps at hand, and several threads compute one each.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from difficmh_core._support.parts import Parts
from difficmh_core._support.threads import spread

STRIP_VALUES = 6_000_000
"""How many values the widest map of a strip may have: what the allocator keeps at hand."""
LEAST_REACHES = 8
"""How many times its reach a strip is high at least: what it sees beyond is computed twice."""
LEAST_POSITIONS = 4096
"""How many positions a strip has at least: for small maps, oneDNN sums in another order."""
MOST_STRIPS = 16
"""Into how many strips a map is cut, unless they would be too large."""


def reach_of(network: nn.Module) -> int:
    """Tell how many rows beyond its own a row of the output sees, at most.

    Args:
        network: Convolutions that stand in the order in which they run; of branches beside each
            other all count.
    """
    return math.ceil(
        sum(stride * (conv.kernel_size[0] // 2) for conv, stride in _convolutions(network))
    )


def cost_of(network: nn.Module) -> float:
    """Count the multiplications of a network's convolutions for each position of its input."""
    return sum(
        conv.weight.numel() / (stride * conv.stride[0]) ** 2
        for conv, stride in _convolutions(network)
    )


def in_strips(network: nn.Module, *tensors: Tensor, scale: int | None = None) -> Parts[Tensor]:
    """Apply a network without any view of the whole, strip by strip.

    Where gradients are wanted, and on other devices than the CPU, it is applied to the whole.

    Args:
        network: Convolutions in the order in which they run, and what works position by position.
        tensors: What it is given: maps of one height, ``(batch, channels, rows, columns)``.
        scale: Rows of the result for each row of the tensors, where the network enlarges on the
            way; ``None`` where it only has strides.
    """
    height, width = tensors[0].shape[-2:]
    stride = 1 if scale else round(math.prod(conv.stride[0] for conv, _ in _convolutions(network)))
    n_rows = _rows_of_strip(network, height, width, stride)
    if tensors[0].device.type != "cpu" or torch.is_grad_enabled() or height <= n_rows:
        whole: Tensor = network(*tensors)
        yield 1.0
        return whole
    margin, made = _up_to(reach_of(network), stride), scale or 1
    starts = range(0, height, n_rows)

    def strip(start: int) -> Tensor:
        top, end = max(0, start - margin), min(height, start + n_rows)
        crops = [tensor[..., top : min(height, end + margin), :] for tensor in tensors]
        first, last = ((row - top) * made // stride for row in (start, end))
        rows: Tensor = network(*crops)[..., first:last, :]
        return rows

    joined, at = torch.empty(0), 0
    for index, rows in enumerate(spread(strip, starts)):
        if index == 0:
            joined = _of_height(rows, height * made // stride)
        joined[..., at : at + rows.shape[-2], :] = rows
        at += rows.shape[-2]
        yield (index + 1) / len(starts)
    return joined


def _convolutions(network: nn.Module) -> Iterator[tuple[nn.Conv2d, float]]:
    """Yield the convolutions, and how far apart the rows are that each reads."""
    stride = 1.0
    for module in network.modules():
        if isinstance(module, nn.PixelShuffle):
            stride /= module.upscale_factor
        if isinstance(module, nn.Conv2d):
            yield module, stride
            stride *= module.stride[0]


def _rows_of_strip(network: nn.Module, height: int, width: int, stride: int) -> int:
    reach = reach_of(network)
    widest = max(
        (conv.out_channels / (distance * conv.stride[0]) ** 2)
        for conv, distance in _convolutions(network)
    )
    wanted = max(2 * LEAST_REACHES * reach, -(-height // MOST_STRIPS))
    most = int(STRIP_VALUES / (widest * width))
    least = max(LEAST_REACHES * reach, -(-LEAST_POSITIONS // width))
    n_strips = height // max(min(most, wanted), least)
    return _up_to(-(-height // max(n_strips, 1)), stride)


def _up_to(rows: int, stride: int) -> int:
    return -(-rows // stride) * stride


def _of_height(rows: Tensor, height: int) -> Tensor:
    """Return an empty tensor of another height, in the same order of memory."""
    is_last = rows.movedim(1, -1).is_contiguous() and rows.shape[1] > 1
    shape = (*rows.shape[:-2], height, rows.shape[-1])
    order = torch.channels_last if is_last else torch.contiguous_format
    return torch.empty(shape, dtype=rows.dtype, memory_format=order)
