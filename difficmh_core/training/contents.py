"""Crops of all training photographs as latents and content latents, made once and kept in files.

With them U-Net and control module learn in the space of latents alone, where a step costs a tenth
of one that ends in pictures. The crops are all of one size: on a CPU, kernels are built for each
size of a picture, and that would take longer than to run them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.shapes import Image01
from difficmh_core.training.checkpoints import write_tensors
from difficmh_core.training.data import LatentCrops, Photographs, SteeredLatents, random_crop
from difficmh_core.training.latents import STRIDE_PX
from difficmh_core.training.precision import has_bfloat16
from difficmh_core.weights.loading import first_line, read_safetensors, unreadable

CROP_PX = 256
"""Side of the crops [px]."""
_SUFFIX = ".safetensors"
_PHOTOGRAPHS_PER_FILE = 500
_BATCH = 4
_LOW_RATES = 1.6
"""Qualities are drawn as ``u ** _LOW_RATES``: at low rates there is more to invent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropEncoder:
    """Makes the files.

    Attributes:
        photographs: What to encode.
        autoencoder: With its final encoder, scaled to unit variance.
        latent_codec: With its final weights.
        tag: Returns the tag ids of one picture.
    """

    photographs: Photographs
    autoencoder: Autoencoder
    latent_codec: LatentCodec
    tag: Callable[[Image01], Sequence[int]]

    def write(self, folder: Path, n_crops: int) -> Iterator[int]:
        """Write the files that are missing, damaged, or made of other photographs or networks.

        Files of those that none takes the place of are removed.

        Args:
            folder: Where to write; made if it is absent.
            n_crops: Crops of each photograph, each at another random quality.

        Yields:
            The number of crops done, file by file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # A third faster on a CPU, measured.
        for network in (self.autoencoder, self.latent_codec):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        n, done = len(self.photographs.images), 0
        origin = {"photographs": digest_of(self.photographs), "networks": self._digest()}
        for number in range(n_crops):
            for first in range(0, n, _PHOTOGRAPHS_PER_FILE):
                indices = range(first, min(n, first + _PHOTOGRAPHS_PER_FILE))
                path = folder / _name(number, first)
                if not _belongs(path, origin):
                    self._write_file(path, number, indices, origin)
                done += len(indices)
                yield done
        for path in folder.glob(f"*{_SUFFIX}"):
            if not _belongs(path, origin):
                path.unlink()

    def _digest(self) -> str:
        """Tell encoder and codec from others; the autoencoder's decoder has no part in it."""
        digest = hashlib.sha256()
        for network in (self.autoencoder, self.latent_codec):
            for name, tensor in network.state_dict().items():
                if not name.startswith(("model.decoder.", "model.post_quant_conv.")):
                    digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _write_file(
        self, path: Path, number: int, indices: range, origin: Mapping[str, str]
    ) -> None:
        qualities = np.random.default_rng((number, indices.start)).random(len(indices))
        latents, contents = list[Tensor](), list[Tensor]()
        for start in range(0, len(indices), _BATCH):
            batch = indices[start : start + _BATCH]
            crops = [crop(self.photographs, index, number) for index in batch]
            image = torch.cat([_tensor(pixels) for pixels in crops])
            quality = torch.from_numpy(qualities[start : start + _BATCH] ** _LOW_RATES)
            autocast = torch.autocast("cpu", torch.bfloat16, has_bfloat16("cpu"))
            with torch.inference_mode(), autocast:
                latent = self.autoencoder.encode(image)
                output = self.latent_codec(image, latent, quality.float())
            latents.append(latent.half())
            contents.append(output.content_latent.half())
        tensors = {"latent": torch.cat(latents), "content": torch.cat(contents)}
        # Tags are those of the whole photograph, with each of its crops the same.
        first = path.with_name(_name(0, indices.start))
        if number > 0:
            tags = read_safetensors(first)[1]["tags"]
        else:
            images = (_tensor(self.photographs.images[index]) for index in indices)
            tags = json.dumps([[int(tag_id) for tag_id in self.tag(image)] for image in images])
        place = {"number": str(number), "first": str(indices.start)}
        write_tensors(path, tensors, {"tags": tags, **place, **origin})


def _name(number: int, first: int) -> str:
    return f"{number:02d}-{first:06d}{_SUFFIX}"


def _belongs(path: Path, origin: Mapping[str, str]) -> bool:
    """Tell whether a file is there, whole, and of this origin."""
    try:
        return path.exists() and origin.items() <= read_safetensors(path)[1].items()
    except CheckpointError:
        return False


def digest_of(photographs: Photographs) -> str:
    """Tell photographs from others, and from the same in another order."""
    digest = hashlib.sha256()
    for pixels in photographs.images:
        digest.update(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def crop(photographs: Photographs, index: int, number: int) -> NDArray[np.uint8]:
    """Return a photograph's crop of a number, always the same."""
    return random_crop(photographs.images[index], CROP_PX, np.random.default_rng((number, index)))


def _tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


class SteeredSampler:
    """Draw latents with their content latents and tags, mirrored half of the time.

    Mirrored latents are close to the latents of mirrored pictures.
    """

    def __init__(
        self,
        photographs: Photographs,
        folder: Path,
        *,
        crop_px: int,
        tag_dropout: float = 0.0,
        with_images: bool = False,
    ) -> None:
        """Read the files of a folder that :class:`CropEncoder` wrote.

        Args:
            photographs: The photographs that they were made of.
            folder: Holds the files.
            crop_px: Side of what is drawn [px], a multiple of 64 up to 256.
            tag_dropout: Share of the pictures whose tags are hidden.
            with_images: Whether the crops of the photographs are needed, too.

        Raises:
            CheckpointError: If files are absent, damaged, or belong to other photographs.
            ConfigError: If the crops shall be larger than those of the files.
        """
        if crop_px > CROP_PX:
            raise ConfigError(
                f"crop_px must be at most {CROP_PX}, the size of the crops that stage 'contents' "
                f"makes, got {crop_px}."
            )
        self._photographs, self._with_images = photographs, with_images
        self._side, self._tag_dropout = crop_px // STRIDE_PX, tag_dropout
        self._crops, self._tags = _read(folder, photographs)

    def draw(self, n: int, random: np.random.Generator) -> LatentCrops | SteeredLatents:
        """Return ``n`` crops."""
        probabilities = self._photographs.probabilities
        chosen = random.choice(len(probabilities), size=n, p=probabilities).tolist()
        numbers = random.choice(list(self._crops), size=n).tolist()
        images, latents, contents = list[Tensor](), list[Tensor](), list[Tensor]()
        tags, side = list[list[int]](), self._side
        for index, number in zip(chosen, numbers, strict=True):
            latent, content = (values[index] for values in self._crops[number])
            top, left = (int(random.integers(edge - side + 1)) for edge in latent.shape[-2:])
            place = (..., slice(top, top + side), slice(left, left + side))
            way = -1 if random.random() < 0.5 else 1
            latents.append(_mirrored(latent[place], way))
            contents.append(_mirrored(content[place], way))
            if self._with_images:
                y, x, edge = (STRIDE_PX * value for value in (top, left, side))
                pixels = crop(self._photographs, index, number)[y : y + edge, x : x + edge]
                images.append(_mirrored(_tensor(pixels), way))
            is_hidden = random.random() < self._tag_dropout
            tags.append([] if is_hidden else self._tags[index])
        latent, content = torch.stack(latents).float(), torch.stack(contents).float()
        if not images:
            return SteeredLatents(latent=latent, content=content, tag_ids=tags)
        return LatentCrops(image=torch.cat(images), latent=latent, tag_ids=tags, content=content)


def _mirrored(values: Tensor, way: int) -> Tensor:
    """Return values as they are, or from right to left if the way is -1."""
    return values.flip(-1) if way < 0 else values


def _read(
    folder: Path, photographs: Photographs
) -> tuple[dict[int, tuple[Tensor, Tensor]], list[list[int]]]:
    """Return latents and content latents by their crops' number, and the photographs' tags.

    Numbers of which files are missing still are left out.
    """
    origin, networks = digest_of(photographs), set[str]()
    files: dict[int, dict[int, tuple[Mapping[str, Tensor], list[list[int]]]]] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        tensors, metadata = read_safetensors(path)
        try:
            number, first = int(metadata["number"]), int(metadata["first"])
            tags, others = json.loads(metadata["tags"]), metadata["photographs"] != origin
            networks.add(metadata["networks"])
        except (KeyError, ValueError) as error:
            raise unreadable(path, f"its metadata lack {first_line(error)}") from error
        if others or len(networks) > 1:
            raise CheckpointError(
                f"{path} was made of other {'photographs' if others else 'networks'}. Run the "
                "stage 'contents' again: it makes anew what does not belong."
            )
        files.setdefault(number, {})[first] = tensors, tags
    crops, all_tags = dict[int, tuple[Tensor, Tensor]](), list[list[int]]()
    for number, of_number in files.items():
        parts = [of_number[first] for first in sorted(of_number)]
        latent, content = (torch.cat([t[key] for t, _ in parts]) for key in ("latent", "content"))
        if len(latent) == len(photographs.images):
            crops[number] = latent, content
            all_tags = [ids for _, tags in parts for ids in tags]
    if not crops:
        raise CheckpointError(
            f"{folder} does not hold one crop of each of {len(photographs.images)} photographs. "
            "Run the stage 'contents' to its end."
        )
    return crops, all_tags
