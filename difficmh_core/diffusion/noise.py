"""Noise that every machine draws alike: it depends on the seed and the order of draws alone.

Word i of the counter-based generator Philox 4x64-10 with key ``seed`` and counter 0 (numpy's
``Philox(key=seed).random_raw()``) gives the uniform number
``u_i = ((word_i >> 11) + 0.5) / 2**53``; pairs of them give pairs of normal numbers (Box and
Muller), computed in float64 and rounded to float32::

    n_2k = sqrt(-2 ln u_2k) cos(2 pi u_2k+1)      n_2k+1 = sqrt(-2 ln u_2k) sin(2 pi u_2k+1)

They fill a tensor in the order of its axes, the last one fastest; of a pair that is not filled,
the second number is dropped.

References:
    Salmon et al.: Parallel Random Numbers: As Easy as 1, 2, 3, 2011,
    https://doi.org/10.1145/2063384.2063405 (Philox)
"""

import math

import numpy as np
import torch
from torch import Tensor

_SPARE_BITS = 11  # of 64; the other 53 fill a float64's significand


class PortableNoise:
    """Standard normal numbers that depend on nothing but the seed, 0 to 2**64 - 1."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Philox(key=seed)

    def draw(self, like: Tensor) -> Tensor:
        """Return the next numbers in the shape, element type and device of a tensor."""
        n_pairs = (like.numel() + 1) // 2
        words = self._generator.random_raw(2 * n_pairs) >> np.uint64(_SPARE_BITS)
        uniform = (words.astype(np.float64) + 0.5) * 2.0 ** (_SPARE_BITS - 64)
        radius, angle = np.sqrt(-2 * np.log(uniform[0::2])), 2 * math.pi * uniform[1::2]
        pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        numbers = pairs.astype(np.float32).reshape(-1)[: like.numel()]
        return torch.from_numpy(numbers).reshape(like.shape).to(like)
