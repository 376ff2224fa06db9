"""Large latents in overlapping tiles, blended so that no seam shows.

Attention grows with the square of the area, and networks know only sizes like those that they were
trained on. Above a limit, each denoising step therefore runs tile by tile, and so does the
published autoencoder; where tiles overlap, their results are mixed, with weights that rise
linearly from the border of a tile inwards.

References:
    Bar-Tal et al.: MultiDiffusion, ICML 2023, https://arxiv.org/abs/2302.08113 (one step of all
    tiles, mixed, before the next)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from difficmh_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How large latents are cut; all in positions of the latent (8 px each).

    Attributes:
        untiled_area: Largest area that is decoded whole; by default 1.5 megapixels.
        tile: Side of a tile; a multiple of 8, so that the U-Net can halve it three times.
        overlap: Least overlap of neighbors, above 0 and less than ``tile``.
    """

    untiled_area: int = 1_500_000 // 64
    tile: int = 128
    overlap: int = 32

    def __post_init__(self) -> None:
        """Refuse tiles that cannot cover a picture."""
        if self.tile % 8 or not 0 < self.overlap < self.tile:
            raise ConfigError(
                "A tile's side must be a multiple of 8 and larger than the overlap, got "
                f"{self.tile} and {self.overlap}."
            )


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Spread tiles evenly over a length: where each begins.

    Args:
        length: What to cover.
        tile: Length of a tile; a shorter whole is one tile.
        overlap: Least overlap of neighbors, less than ``tile``.
    """
    if length <= tile:
        return [0]
    n_tiles = -(-(length - overlap) // (tile - overlap))
    return [round(index * (length - tile) / (n_tiles - 1)) for index in range(n_tiles)]


def in_tiles(
    function: Callable[[Sequence[Tensor]], Tensor],
    tensors: Sequence[Tensor],
    tiling: Tiling,
    *,
    read: int = 1,
    made: int = 1,
) -> Tensor:
    """Apply a function to tensors of one size, tile by tile if they are large.

    Args:
        function: From crops at one place to a tensor of that place.
        tensors: Each ``(batch, channels, read h8, read w8)``.
        tiling: Size of the tiles and of what needs none.
        read: Values in a row that a position of the latent has in ``tensors``; 8 for a picture.
        made: The same in what ``function`` returns.

    Returns:
        What ``function`` gives for the whole, or the blend of what it gives for the tiles.
    """
    height, width = (side // read for side in tensors[0].shape[-2:])
    if height * width <= tiling.untiled_area:
        return function(tensors)

    def place(top: int, left: int, scale: int) -> tuple[Any, ...]:
        bottom, right = min(top + tiling.tile, height), min(left + tiling.tile, width)
        return ..., slice(scale * top, scale * bottom), slice(scale * left, scale * right)

    total: Tensor | None = None
    weights = torch.zeros(made * height, made * width, device=tensors[0].device)
    for top in tile_starts(height, tiling.tile, tiling.overlap):
        for left in tile_starts(width, tiling.tile, tiling.overlap):
            crop, target = place(top, left, read), place(top, left, made)
            result = function([tensor[crop] for tensor in tensors])
            if total is None:
                total = result.new_zeros(*result.shape[:-2], *weights.shape, dtype=torch.float32)
            rows, columns = (
                _ramp(side, made * tiling.overlap, weights) for side in result.shape[-2:]
            )
            weight = rows[:, None] * columns
            total[target] += weight * result.float()
            weights[target] += weight
    if total is None:
        raise AssertionError("an image has at least one tile")
    return (total / weights).to(tensors[0].dtype)


def _ramp(length: int, overlap: int, like: Tensor) -> Tensor:
    """Return weights that rise from a tile's borders inwards, over the overlap."""
    rising = torch.arange(1, length + 1, device=like.device, dtype=like.dtype)
    return torch.minimum(rising, rising.flip(0)).clamp(max=overlap + 1)
