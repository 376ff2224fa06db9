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

from difficmh_core._support.parts import Parts, result_of
from difficmh_core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How large latents are cut; all in positions of the latent (8 px each).

    Attributes:
        untiled_area: Largest area that is decoded whole; by default 1.5 megapixels.
        tile: Longest side of a tile; a multiple of 8, so that the U-Net can halve it three times.
        overlap: Least overlap of neighbors, above 0 and less than ``tile``.
    """

    untiled_area: int = 1_500_000 // 64
    tile: int = 152
    overlap: int = 24

    def tiles(self, height: int, width: int) -> list[tuple[slice, slice]]:
        """The rows and columns of each tile, or of the whole if it needs none.

        Tiles are as small as their number allows: what overlaps is computed twice.
        """
        if height * width <= self.untiled_area:
            return [(slice(0, height), slice(0, width))]
        down, across = (self._sides(length) for length in (height, width))
        return [(rows, columns) for rows in down for columns in across]

    def _sides(self, length: int) -> list[slice]:
        n_tiles = len(tile_starts(length, self.tile, self.overlap))
        side = -(-(length + (n_tiles - 1) * self.overlap) // n_tiles)
        side = min(-(-side // 8) * 8, self.tile, length)
        starts = tile_starts(length, side, self.overlap)
        return [slice(start, start + side) for start in starts]

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
    return result_of(tiles_in_turn(function, tensors, tiling, read=read, made=made))


def tiles_in_turn(
    function: Callable[[Sequence[Tensor]], Tensor],
    tensors: Sequence[Tensor],
    tiling: Tiling,
    *,
    read: int = 1,
    made: int = 1,
) -> Parts[Tensor]:
    """Do the same as :func:`in_tiles`, and tell after each tile how much is done."""
    height, width = (side // read for side in tensors[0].shape[-2:])
    tiles = tiling.tiles(height, width)
    if len(tiles) == 1:
        whole = function(tensors)
        yield 1.0
        return whole
    total: Tensor | None = None
    weights = torch.zeros(made * height, made * width, device=tensors[0].device)
    for index, tile in enumerate(tiles):
        crop, target = _place(tile, read), _place(tile, made)
        result = function([tensor[crop] for tensor in tensors])
        if total is None:
            total = result.new_zeros(*result.shape[:-2], *weights.shape, dtype=torch.float32)
        rows, columns = (_ramp(side, made * tiling.overlap, weights) for side in result.shape[-2:])
        weight = rows[:, None] * columns
        total[target] += weight * result.float()
        weights[target] += weight
        yield (index + 1) / len(tiles)
    if total is None:
        raise AssertionError("an image has at least one tile")
    return (total / weights).to(tensors[0].dtype)


def _place(tile: tuple[slice, slice], scale: int) -> tuple[Any, ...]:
    return ..., *(slice(scale * side.start, scale * side.stop) for side in tile)


def _ramp(length: int, overlap: int, like: Tensor) -> Tensor:
    """Return weights that rise from a tile's borders inwards, over the overlap."""
    rising = torch.arange(1, length + 1, device=like.device, dtype=like.dtype)
    return torch.minimum(rising, rising.flip(0)).clamp(max=overlap + 1)
