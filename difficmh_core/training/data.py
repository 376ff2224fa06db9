"""Photographs for training, decoded once and kept in memory as 8-bit RGB.

A folder of photographs holds ``train-*.tar`` shards (image files at the top level) and
``manifest.csv`` (columns ``file`` and ``source``). Sources of very different size are balanced:
each contributes at most a fixed share of the crops, so that no subject dominates.
"""

import csv
import io
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from difficmh_core.errors import ConfigError
from difficmh_core.shapes import DiffusionLatent, Image01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """A batch of crops.

    Attributes:
        image: The crops, RGB in [0, 1].
    """

    image: Image01

    def to(self, device: torch.device) -> "Crops":
        """Return the batch on a device."""
        return Crops(image=self.image.to(device))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentCrops:
    """A batch of crops with what earlier stages made of them.

    Attributes:
        image: Crops of the photographs, RGB in [0, 1].
        latent: Crops of their diffusion latents, scaled to unit variance.
        tag_ids: Tags of the photographs that the crops come from.
        content: Crops of their content latents; ``None`` where those are made later.
    """

    image: Image01
    latent: DiffusionLatent
    tag_ids: list[list[int]]
    content: DiffusionLatent | None = None

    def to(self, device: torch.device) -> "LatentCrops":
        """Return the batch on a device."""
        content = None if self.content is None else self.content.to(device)
        return replace(
            self, image=self.image.to(device), latent=self.latent.to(device), content=content
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SteeredLatents:
    """A batch of crops of latents, without their pictures, and of what a file holds of them.

    Attributes:
        latent: Crops of the photographs' diffusion latents, scaled to unit variance.
        content: The same crops of their content latents.
        tag_ids: Tags of the photographs that the crops come from.
    """

    latent: DiffusionLatent
    content: DiffusionLatent
    tag_ids: list[list[int]]

    def to(self, device: torch.device) -> "SteeredLatents":
        """Return the batch on a device."""
        return replace(self, latent=self.latent.to(device), content=self.content.to(device))


@runtime_checkable
class Sampler(Protocol):
    """Where a stage's batches come from."""

    def draw(self, n: int, random: np.random.Generator) -> Crops | LatentCrops | SteeredLatents:
        """Return ``n`` random crops."""
        ...


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
    files, sources = list[bytes](), list[str]()
    for shard in shards:
        with tarfile.open(shard) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is None or (limit is not None and len(files) >= limit):
                    continue
                if member.name not in source_of:
                    raise ConfigError(
                        f"{shard.name} holds {member.name}, which manifest.csv does not name. "
                        "Restore the manifest that belongs to the shards."
                    )
                files.append(stream.read())
                sources.append(source_of[member.name])
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(_pixels, files))
    return Photographs(images=images, probabilities=_balanced(sources, max_share), sources=sources)


def _pixels(file: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))


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


@dataclass(frozen=True, slots=True)
class CropSampler:
    """Draw random square crops, flipped left to right half of the time.

    Attributes:
        photographs: Where to draw from; smaller ones than the crop are enlarged.
        crop_px: Side of the crops [px].
    """

    photographs: Photographs
    crop_px: int

    def draw(self, n: int, random: np.random.Generator) -> Crops:
        """Return ``n`` crops."""
        images, probabilities = self.photographs.images, self.photographs.probabilities
        chosen = random.choice(len(images), size=n, p=probabilities)
        crops = np.stack([random_crop(images[i], self.crop_px, random) for i in chosen])
        return Crops(image=torch.from_numpy(crops).permute(0, 3, 1, 2).float().div(255))


def random_crop(
    image: NDArray[np.uint8], side: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a random square of a picture, flipped left to right half of the time.

    Half of the squares see the whole picture smaller, so that both texture and layout occur.

    Args:
        image: The picture; a smaller one than the square is enlarged.
        side: Of the square [px].
        random: Decides.
    """
    shortest = min(image.shape[:2])
    low = min(1.0, side / shortest)
    scale = 1.0 if random.random() < 0.5 else random.uniform(low, 1.0)
    scale = max(scale, side / shortest)
    if scale != 1.0:
        image = resized(image, scale, side)
    top = random.integers(image.shape[0] - side + 1)
    left = random.integers(image.shape[1] - side + 1)
    crop = image[top : top + side, left : left + side]
    return crop[:, ::-1] if random.random() < 0.5 else crop


def resized(pixels: NDArray[np.uint8], scale: float, least_px: int) -> NDArray[np.uint8]:
    """Return a picture with its sides scaled, none below ``least_px``."""
    height, width = (max(least_px, round(edge * scale)) for edge in pixels.shape[:2])
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


class _Endless(IterableDataset[Any]):
    """Batches without end; each worker process draws its own."""

    def __init__(self, sampler: Sampler, batch_size: int, seed: Sequence[int]) -> None:
        self._sampler = sampler
        self._batch_size = batch_size
        self._seed = seed

    def __iter__(self) -> Iterator[Crops | LatentCrops | SteeredLatents]:
        worker = get_worker_info()
        random = np.random.default_rng([*self._seed, worker.id if worker else 0])
        while True:
            yield self._sampler.draw(self._batch_size, random)


def batches(
    sampler: Sampler, batch_size: int, seed: Sequence[int], *, workers: int
) -> Iterator[Any]:
    """Return batches without end.

    Args:
        sampler: Draws them.
        batch_size: Crops per batch.
        seed: Numbers that together seed the random choices.
        workers: Processes that draw ahead; 0 draws when asked.
    """
    dataset = _Endless(sampler, batch_size, seed)
    return iter(DataLoader(dataset, batch_size=None, num_workers=workers))
