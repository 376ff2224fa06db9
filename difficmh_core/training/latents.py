"""Latents and tags of all training photographs, made once and kept in one file.

The later stages learn from the frozen encoder's output, so it is computed once for each whole
photograph, not once for each crop. A latent position stands for 8 x 8 pixels; crops are aligned
to that grid, so that a crop of the picture and the crop of its latent belong together.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.shapes import Image01
from difficmh_core.training.checkpoints import write_tensors
from difficmh_core.training.data import LatentCrops, Photographs
from difficmh_core.training.precision import has_bfloat16
from difficmh_core.weights.loading import first_line, read_safetensors, unreadable

STRIDE_PX = 8


def encode_photographs(
    photographs: Photographs,
    autoencoder: Autoencoder,
    tag: Callable[[Image01], Sequence[int]],
    path: Path,
    *,
    scaling_factor: float | None = None,
) -> Iterator[int]:
    """Write the unscaled latents and the tag ids of all photographs.

    Args:
        photographs: What to encode.
        autoencoder: With its final encoder; its scaling factor must be 1.
        tag: Returns the tag ids of one picture.
        path: The safetensors file to write; tags go into its metadata.
        scaling_factor: What brings the latents to about unit variance; ``None`` measures it.

    Yields:
        The number of photographs done, after each.
    """
    latents, tags = dict[str, Tensor](), list[list[int]]()
    # A third faster on a CPU, measured.
    autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for index, pixels in enumerate(photographs.images):
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        tags.append([int(tag_id) for tag_id in tag(image)])
        height, width = (edge // STRIDE_PX * STRIDE_PX for edge in image.shape[-2:])
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, has_bfloat16("cpu")):
            latent = autoencoder.encode(image[..., :height, :width])
        latents[f"{index:05d}"] = latent[0].half()
        yield index + 1
    if scaling_factor is None:
        total = sum(latent.double().square().sum().item() for latent in latents.values())
        scaling_factor = (sum(latent.numel() for latent in latents.values()) / total) ** 0.5
    metadata = {"tags": json.dumps(tags), "scaling_factor": repr(scaling_factor)}
    write_tensors(path, latents, metadata)


def read_latents(path: Path) -> tuple[list[Tensor], list[list[int]], float]:
    """Return latents (unscaled, half precision), tag ids, and the factor to unit variance.

    Raises:
        CheckpointError: If the file is absent or damaged.
    """
    if not path.exists():
        raise CheckpointError(f"{path} is absent. Run the stage 'latents' first.")
    tensors, metadata = read_safetensors(path)
    latents = [tensors[key] for key in sorted(tensors)]
    try:
        tags = json.loads(metadata["tags"])
        scaling_factor = float(metadata["scaling_factor"])
    except (KeyError, ValueError, RecursionError) as error:
        raise unreadable(path, f"its metadata lack {first_line(error)}") from error
    are_tags = isinstance(tags, list) and all(
        isinstance(ids, list) and all(type(tag_id) is int for tag_id in ids) for ids in tags
    )
    if not are_tags or len(tags) != len(latents) or not 0 < scaling_factor < math.inf:
        raise unreadable(
            path, f"{len(latents)} latents have other tags, or the factor {scaling_factor}"
        )
    return latents, tags, scaling_factor


class LatentSampler:
    """Draw random crops of photographs with their latents and tags."""

    def __init__(
        self, photographs: Photographs, path: Path, *, crop_px: int, tag_dropout: float = 0.0
    ) -> None:
        """Read the latents.

        Args:
            photographs: The photographs that were encoded, in the same order.
            path: The file that :func:`encode_photographs` wrote.
            crop_px: Side of the crops [px], a multiple of 64; smaller pictures are left out.
            tag_dropout: Share of the pictures whose tags are hidden.

        Raises:
            CheckpointError: If the file belongs to other photographs.
            ConfigError: If every photograph is smaller than the crops.
        """
        self._latents, self._tags, self.scaling_factor = read_latents(path)
        if len(self._latents) != len(photographs.images):
            raise CheckpointError(
                f"{path} holds {len(self._latents)} latents, but there are "
                f"{len(photographs.images)} photographs. Run the stage 'latents' again."
            )
        self._photographs = photographs
        self._side = crop_px // STRIDE_PX
        fits = np.array([min(latent.shape[-2:]) >= self._side for latent in self._latents])
        if not fits.any():
            raise ConfigError(
                f"No photograph is large enough for crops of {crop_px} px. Choose smaller crops."
            )
        weights: NDArray[np.float64] = photographs.probabilities * fits
        self._probabilities = weights / weights.sum()
        self._tag_dropout = tag_dropout

    def draw(self, n: int, random: np.random.Generator) -> LatentCrops:
        """Return ``n`` crops."""
        chosen = random.choice(len(self._latents), size=n, p=self._probabilities)
        images, latents, tags = list[Tensor](), list[Tensor](), list[list[int]]()
        for index in chosen.tolist():
            latent = self._latents[index]
            top, left = (int(random.integers(e - self._side + 1)) for e in latent.shape[-2:])
            latents.append(latent[:, top : top + self._side, left : left + self._side].float())
            y, x, edge = (STRIDE_PX * value for value in (top, left, self._side))
            pixels = self._photographs.images[index][y : y + edge, x : x + edge]
            images.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
            hidden = random.random() < self._tag_dropout
            tags.append([] if hidden else self._tags[index])
        return LatentCrops(
            image=torch.stack(images).float() / 255,
            latent=torch.stack(latents) * self.scaling_factor,
            tag_ids=tags,
        )
