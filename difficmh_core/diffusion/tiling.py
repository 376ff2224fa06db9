"""Large latents in overlapping tiles, blended so that no seam shows.

Attention grows with the square of the area, and networks know only sizes like those that they were
trained on. Above a limit, each denoising step therefore runs tile by tile; where tiles overlap,
their predictions are mixed, with weights that rise linearly from the border of a tile inwards.

References:
    Bar-Tal et al.: MultiDiffusion, ICML 2023, https://arxiv.org/abs/2302.08113 (one step of all
    tiles, mixed, before the next)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
) -> Tensor:
    """Apply a function to tensors of one size, tile by tile if they are large.

    Args:
        function: From crops at one place to a tensor of the same height and width.
        tensors: Each ``(batch, channels, h8, w8)``.
        tiling: Size of the tiles and of what needs none.

    Returns:
        What ``function`` gives for the whole, or the blend of what it gives for the tiles.
    """
    height, width = tensors[0].shape[-2:]
    if height * width <= tiling.untiled_area:
        return function(tensors)
    total: Tensor | None = None
    weights = torch.zeros(height, width, device=tensors[0].device)
    for top in tile_starts(height, tiling.tile, tiling.overlap):
        for left in tile_starts(width, tiling.tile, tiling.overlap):
            place = (..., slice(top, top + tiling.tile), slice(left, left + tiling.tile))
            result = function([tensor[place] for tensor in tensors])
            if total is None:
                total = result.new_zeros(*result.shape[:-2], height, width, dtype=torch.float32)
            rows, columns = (_ramp(side, tiling.overlap, weights) for side in result.shape[-2:])
            weight = rows[:, None] * columns
            total[place] += weight * result.float()
            weights[place] += weight
    if total is None:
        raise AssertionError("an image has at least one tile")
    return (total / weights).to(tensors[0].dtype)


def _ramp(length: int, overlap: int, like: Tensor) -> Tensor:
    """Return weights that rise from a tile's borders inwards, over the overlap."""
    rising = torch.arange(1, length + 1, device=like.device, dtype=like.dtype)
    return torch.minimum(rising, rising.flip(0)).clamp(max=overlap + 1)
