"""Cross-attention whose keys and values can be made once for a picture, not at every step.

::

    context ─ to_k, to_v of each transformer ─ side by side in one tensor ─┐ (once)
    features of a step ─ transformer ─ its slice of that tensor ───────────┘ (at every step)

References:
    Vaswani et al.: Attention Is All You Need, 2017, section 3.2, https://arxiv.org/abs/1706.03762
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.diffusion.layers import SpatialTransformer
from difficmh_core.shapes import Context

ProjectedContext: TypeAlias = Float[Tensor, "batch tokens keys_and_values"]
"""Keys and values of the context for one transformer, or for several side by side."""


class KeysAndValues:
    """Hands each transformer its slice of what :func:`project_context` made for all of them."""

    def __init__(
        self, transformers: Sequence[SpatialTransformer], projected: ProjectedContext
    ) -> None:
        widths = [2 * layer.cross_attention.to_k.out_features for layer in transformers]
        slices: tuple[Tensor, ...] = torch.split(projected, widths, dim=-1)
        self._slice_of: dict[int, Tensor] = {
            id(layer): own for layer, own in zip(transformers, slices, strict=True)
        }

    def of(self, transformer: SpatialTransformer) -> ProjectedContext:
        """Return the keys and values of one transformer."""
        return self._slice_of[id(transformer)]


def cross_attentions(module: nn.Module) -> list[SpatialTransformer]:
    """Return the transformers of a network, in the order of its modules."""
    return [layer for layer in module.modules() if isinstance(layer, SpatialTransformer)]


def project_context(
    transformers: Sequence[SpatialTransformer], context: Context
) -> ProjectedContext:
    """Return the keys and values of a context for several transformers, side by side."""
    own = [layer.cross_attention.keys_and_values(context) for layer in transformers]
    return torch.cat(own, dim=-1)
