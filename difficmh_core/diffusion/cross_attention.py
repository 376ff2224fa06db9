"""Cross-attention whose keys and values can be made once for a picture, not at every step.

::

    context ─ to_k, to_v of each transformer ─ side by side in one tensor ─┐ (once)
    features of a step ─ transformer ─ its slice of that tensor ───────────┘ (at every step)

References:
    Vaswani et al.: Attention Is All You Need, 2017, section 3.2, https://arxiv.org/abs/1706.03762
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.shapes import Context

ProjectedContext: TypeAlias = Float[Tensor, "batch tokens keys_and_values"]
"""Keys and values of the context for one transformer, or for several side by side."""


class KeysAndValues:
    """Hands each transformer its slice of what :func:`project_context` made for all of them."""

    def __init__(
        self, transformers: Sequence[Transformer2DModel], projected: ProjectedContext
    ) -> None:
        widths = [2 * _cross_attention(layer).inner_kv_dim for layer in transformers]
        slices: tuple[Tensor, ...] = torch.split(projected, widths, dim=-1)
        self._slice_of: dict[int, Tensor] = {
            id(layer): own for layer, own in zip(transformers, slices, strict=True)
        }

    def of(self, transformer: Transformer2DModel) -> ProjectedContext:
        """Return the keys and values of one transformer."""
        return self._slice_of[id(transformer)]


def cross_attentions(module: nn.Module) -> list[Transformer2DModel]:
    """Return the transformers of a network, in the order of its modules."""
    return [layer for layer in module.modules() if isinstance(layer, Transformer2DModel)]


def project_context(
    transformers: Sequence[Transformer2DModel], context: Context
) -> ProjectedContext:
    """Return the keys and values of a context for several transformers, side by side."""
    return torch.cat([keys_and_values(layer, context) for layer in transformers], dim=-1)


def keys_and_values(transformer: Transformer2DModel, context: Context) -> ProjectedContext:
    """Return the keys and then the values that one transformer makes of a context."""
    attention = _cross_attention(transformer)
    return torch.cat([attention.to_k(context), attention.to_v(context)], dim=-1)


def read_keys_and_values(transformer: Transformer2DModel) -> None:
    """Let a transformer's cross-attention take keys and values in the place of a context."""
    _cross_attention(transformer).set_processor(_Processor())


class _Processor:
    """Attends to given keys and values; else as diffusers' own."""

    def __call__(
        self,
        attention: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: None = None,
    ) -> Tensor:
        """Return the attended features; the names of the arguments are diffusers'."""
        keys, values = encoder_hidden_states.chunk(2, dim=-1)
        query, key, value = (
            joint.unflatten(-1, (attention.heads, -1)).transpose(1, 2)  # (B, heads, N, d)
            for joint in (attention.to_q(hidden_states), keys, values)
        )
        heads = functional.scaled_dot_product_attention(query, key, value)
        attended: Tensor = attention.to_out[0](heads.transpose(1, 2).flatten(2))
        return attended


def _cross_attention(transformer: Transformer2DModel) -> Attention:
    return cast(Attention, transformer.transformer_blocks[0].attn2)
