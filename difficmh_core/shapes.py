"""The tensors that cross module borders: axes, element type, value range.

An axis is named after its size at full resolution divided by the stride: ``h8`` is height / 8.
Within one call, the same name must have the same size; the tests check that at every call.
"""

from typing import TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

Image01: TypeAlias = Float[Tensor, "batch 3 height width"]
"""RGB images in [0, 1]."""
DiffusionLatent: TypeAlias = Float[Tensor, "batch d h8 w8"]
"""Latents of the diffusion autoencoder, scaled to about unit variance; also content latents.
``d`` is 4 in Stable Diffusion's."""
CodecLatent: TypeAlias = Float[Tensor, "batch m h16 w16"]
"""The codec's latent y or its quantized version y_hat."""
HyperLatent: TypeAlias = Float[Tensor, "batch n h64 w64"]
"""The codec's hyper-latent z or its quantized version z_hat."""
Context: TypeAlias = Float[Tensor, "batch tokens context"]
"""What the cross-attention layers read: one row for each tag or text token."""
Timesteps: TypeAlias = Int[Tensor, " batch"]
"""Training timesteps of the diffusion process, 0 (clean) to 999 (noise)."""
