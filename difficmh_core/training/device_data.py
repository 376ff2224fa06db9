"""Crops drawn on the device that trains, from photographs that lie in its memory.

Where a GPU takes tens of milliseconds for a step, processors are too slow to cut its crops out of
photographs. All of them lie behind each other in one tensor of bytes; one gather makes a batch.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Image01
from difficmh_core.training.data import Crops, LatentCrops, Photographs, resized
from difficmh_core.training.precision import has_bfloat16

_RGB_CHANNELS = 3


def with_reduced_copies(photographs: Photographs, *, crop_px: int) -> Photographs:
    """Return the photographs and, as likely, each so small that a crop shows most of it.

    Crops then show both texture and layout, as those of :class:`CropSampler` do.

    Args:
        photographs: The photographs; those whose shorter side is below the crop are enlarged.
        crop_px: Side of the crops [px].
    """
    with ThreadPoolExecutor() as pool:
        scales = [crop_px / min(pixels.shape[:2]) for pixels in photographs.images]
        copies = list(pool.map(resized, photographs.images, scales, repeat(crop_px)))
    images = [
        pixels if min(pixels.shape[:2]) >= crop_px else reduced
        for pixels, reduced in zip(photographs.images, copies, strict=True)
    ]
    return Photographs(
        images=images + copies,
        probabilities=np.concatenate([photographs.probabilities] * 2) / 2,
        sources=[*photographs.sources, *photographs.sources],
    )


class DeviceCropSampler:
    """Draw random square crops on a device, flipped left to right half of the time."""

    def __init__(self, photographs: Photographs, device: torch.device, *, crop_px: int) -> None:
        """Copy the photographs to the device.

        Args:
            photographs: Where to draw from.
            device: Where crops are made.
            crop_px: Side of the crops [px].

        Raises:
            ConfigError: If a photograph is smaller than the crops.
        """
        smallest = min(min(pixels.shape[:2]) for pixels in photographs.images)
        if smallest < crop_px:
            raise ConfigError(
                f"A photograph has a side of {smallest} px, but crops have {crop_px} px. Choose "
                "smaller crops, or enlarge the photographs."
            )
        self._crop_px = crop_px
        self._probabilities = photographs.probabilities
        self._sizes = np.array([pixels.shape[:2] for pixels in photographs.images])
        n_values = self._sizes.prod(axis=1) * _RGB_CHANNELS
        self._starts = np.concatenate([[0], n_values.cumsum()[:-1]])
        flat = np.concatenate([pixels.reshape(-1) for pixels in photographs.images])
        self._pixels = torch.from_numpy(flat).to(device)

    def draw(self, n: int, random: np.random.Generator) -> Crops:
        """Return ``n`` crops on the device."""
        return Crops(image=self.draw_from(n, random)[0])

    def draw_from(self, n: int, random: np.random.Generator) -> tuple[Image01, NDArray[np.int64]]:
        """Return ``n`` crops on the device, and which photograph each comes from."""
        chosen = random.choice(len(self._sizes), size=n, p=self._probabilities)
        heights, widths = self._sizes[chosen].T
        top = random.integers(heights - self._crop_px + 1)
        left = random.integers(widths - self._crop_px + 1)
        is_flipped = random.random(n) < 0.5
        first = self._starts[chosen] + _RGB_CHANNELS * (top * widths + left)
        numbers = np.stack([first, widths, is_flipped])[:, :, None, None, None]
        image = self._gather(torch.from_numpy(numbers).to(self._pixels.device))
        return image, chosen

    def _gather(self, numbers: Int64[Tensor, "3 batch 1 1 1"]) -> Image01:
        """Return crops, given the index of the first value, the row's length, and the flip."""
        first, widths, is_flipped = numbers
        along = torch.arange(self._crop_px, device=numbers.device)
        channel = torch.arange(_RGB_CHANNELS, device=numbers.device).view(1, -1, 1, 1)
        column = torch.where(is_flipped > 0, along.flip(0), along)
        index = first + _RGB_CHANNELS * (along.view(1, 1, -1, 1) * widths + column) + channel
        return self._pixels[index].float() / 255


@dataclass(frozen=True, slots=True)
class EncodedCropSampler:
    """Draw crops with the latents that a frozen encoder makes of them, and with their tags.

    Attributes:
        crops: Draws the crops.
        autoencoder: Encodes them; on the same device, scaled to unit variance.
        tag_ids: Tags of each photograph.
        tag_dropout: Share of the pictures whose tags are hidden.
    """

    crops: DeviceCropSampler
    autoencoder: Autoencoder
    tag_ids: Sequence[Sequence[int]]
    tag_dropout: float = 0.0

    def draw(self, n: int, random: np.random.Generator) -> LatentCrops:
        """Return ``n`` crops on the device."""
        image, chosen = self.crops.draw_from(n, random)
        kind = image.device.type
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, has_bfloat16(kind)):
            latent = self.autoencoder.encode(image)
        hidden = random.random(n) < self.tag_dropout
        tags = [
            [] if is_hidden else list(self.tag_ids[index])
            for index, is_hidden in zip(chosen.tolist(), hidden, strict=True)
        ]
        return LatentCrops(image=image, latent=latent.float(), tag_ids=tags)
