"""Photographs for training, decoded once and kept in memory as 8-bit RGB.

A folder of photographs holds ``train-*.tar`` shards (image files at the top level) and
``manifest.csv`` (columns ``file`` and ``source``). Sources of very different size are balanced:
each contributes at most a fixed share of the crops, so that no subject dominates.
"""

import csv
import io
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Image01

__all__ = ["CropSampler", "Photographs", "load_photographs"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photographs:
    """A set of training photographs.

    Attributes:
        images: One array (height, width, 3) of 8-bit RGB per photograph.
        probabilities: How often each is drawn; sums to 1.
        sources: Name of the source of each photograph.
    """

    images: Sequence[NDArray[np.uint8]]
    probabilities: NDArray[np.float64]
    sources: Sequence[str]


def load_photographs(
    folder: Path, *, max_share: float = 0.2, limit: int | None = None
) -> Photographs:
    """Read every photograph of a folder of shards.

    Args:
        folder: Holds ``train-*.tar`` and ``manifest.csv``.
        max_share: Largest share of the crops that one source contributes, in (0, 1].
        limit: Stop after this many photographs; ``None`` reads all.

    Returns:
        The photographs with balanced probabilities.

    Raises:
        ConfigError: If the folder holds no shard or a picture that the manifest does not name.
    """
    shards = sorted(folder.glob("train-*.tar"))
    if not shards:
        raise ConfigError(
            f"No training photographs in {folder}: expected shards named train-*.tar. "
            "Name another folder with --photos."
        )
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        source_of = {row["file"]: row["source"].split("@")[0] for row in csv.DictReader(file)}
    images, sources = list[NDArray[np.uint8]](), list[str]()
    for shard in shards:
        with tarfile.open(shard) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is None or (limit is not None and len(images) >= limit):
                    continue
                if member.name not in source_of:
                    raise ConfigError(
                        f"{shard.name} holds {member.name}, which manifest.csv does not name. "
                        "Restore the manifest that belongs to the shards."
                    )
                with Image.open(io.BytesIO(stream.read())) as image:
                    images.append(np.asarray(image.convert("RGB")))
                sources.append(source_of[member.name])
    return Photographs(images=images, probabilities=_balanced(sources, max_share), sources=sources)


def _balanced(sources: Sequence[str], max_share: float) -> NDArray[np.float64]:
    """Return the probability of each item such that no source exceeds its share."""
    counts = Counter(sources)
    share = {source: count / len(sources) for source, count in counts.items()}
    capped = set[str]()
    while len(capped) < len(share):
        over = {s for s, value in share.items() if value > max_share + 1e-9} - capped
        if not over:
            break
        capped |= over
        # Too few sources to fill the whole: the cap cannot hold, and equal shares are the best.
        if len(capped) == len(share):
            share = {source: 1 / len(share) for source in share}
            break
        free = 1 - max_share * len(capped)
        rest = sum(counts[source] for source in share if source not in capped)
        share = {
            source: max_share if source in capped else free * counts[source] / rest
            for source in share
        }
    weights: NDArray[np.float64] = np.array([share[s] / counts[s] for s in sources])
    weights /= weights.sum()
    return weights


class CropSampler:
    """Draw random square crops, flipped left to right half of the time."""

    def __init__(self, photographs: Photographs, *, crop_px: int, seed: int) -> None:
        """Prepare to draw from photographs.

        Args:
            photographs: Where to draw from; smaller ones than the crop are enlarged.
            crop_px: Side of the crops [px].
            seed: Seed of the random choices.
        """
        self._photographs = photographs
        self._crop_px = crop_px
        self._random = np.random.Generator(np.random.PCG64(seed))

    def draw(self, n: int) -> tuple[Image01, NDArray[np.int64]]:
        """Return ``n`` crops in [0, 1] and the index of the photograph that each comes from."""
        chosen = self._random.choice(
            len(self._photographs.images), size=n, p=self._photographs.probabilities
        )
        crops = np.stack([self._crop(self._photographs.images[index]) for index in chosen])
        batch = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div(255)
        return batch, chosen

    def _crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        side = self._crop_px
        # Half of the crops see the whole picture smaller, so that both texture and layout occur.
        shortest = min(image.shape[:2])
        low = min(1.0, side / shortest)
        scale = 1.0 if self._random.random() < 0.5 else self._random.uniform(low, 1.0)
        scale = max(scale, side / shortest)
        if scale != 1.0:
            height, width = (max(side, round(edge * scale)) for edge in image.shape[:2])
            resized = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
            image = np.asarray(resized)
        top = self._random.integers(image.shape[0] - side + 1)
        left = self._random.integers(image.shape[1] - side + 1)
        crop = image[top : top + side, left : left + side]
        return crop[:, ::-1] if self._random.random() < 0.5 else crop
