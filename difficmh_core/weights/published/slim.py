"""Rewrite a published checkpoint once, to what encoding and decoding need.

Of 11.7 GB, 3.4 GB are optimizer moments, and 6.6 GB (Stable Diffusion, RAM++) are the same in all
five checkpoints. The slim form is three safetensors files under the published names: ``shared``
and ``tagger`` once, and one for each rate. The latent codec stays in single precision in any case:
its weights decide the coded integers.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import read_safetensors
from difficmh_core.weights.published.checkpoint import account_for, read_checkpoint

__all__ = ["SHARED_FILE", "TAGGER_FILE", "rate_file", "slim_checkpoint"]

SHARED_FILE = "shared.safetensors"
"""Autoencoder, U-Net and text tower."""
TAGGER_FILE = "tagger.safetensors"
_FILE_OF_PART = {
    "autoencoder": SHARED_FILE,
    "unet": SHARED_FILE,
    "text tower": SHARED_FILE,
    "tagger": TAGGER_FILE,
}
_ALWAYS_SINGLE = "latent codec"


def rate_file(rate: int) -> str:
    """Return the name of the slim file of one rate: control module and latent codec."""
    return f"rate-{rate}.safetensors"


def slim_checkpoint(
    path: Path, folder: Path, rate: int, *, dtype: torch.dtype = torch.float32
) -> dict[str, int]:
    """Write the slim files of one checkpoint.

    Args:
        path: The published checkpoint.
        folder: Where the slim files go; made if absent. Shared files that are there already are
            compared with the checkpoint's and kept.
        rate: The checkpoint's rate weight.
        dtype: Element type of all parts but the latent codec.

    Returns:
        The size of each of the three files, by name [bytes].

    Raises:
        CheckpointError: If the checkpoint cannot be read, holds unknown names, lacks a part, or
            shares other weights than the files that are there.
    """
    tensors = read_checkpoint(path)
    accounting = account_for(tensors, path.name)
    contents: dict[str, dict[str, Tensor]] = {
        SHARED_FILE: {},
        TAGGER_FILE: {},
        rate_file(rate): {},
    }
    for part, names in accounting.parts.items():
        if not names:
            raise CheckpointError(
                f"The checkpoint {path.name} lacks the {part}. Use a published checkpoint."
            )
        kept = torch.float32 if part == _ALWAYS_SINGLE else dtype
        file = _FILE_OF_PART.get(part, rate_file(rate))
        for name in names:
            value = tensors[name]
            contents[file][name] = value.to(kept) if value.is_floating_point() else value
    folder.mkdir(parents=True, exist_ok=True)
    sizes = dict[str, int]()
    for file, content in contents.items():
        place = folder / file
        if place.exists() and file != rate_file(rate):
            _check_equal(place, content, path)
        else:
            unfinished = place.with_suffix(".unfinished")
            save_file({name: value.contiguous() for name, value in content.items()}, unfinished)
            unfinished.replace(place)
        sizes[file] = place.stat().st_size
    return sizes


def _check_equal(place: Path, content: Mapping[str, Tensor], source: Path) -> None:
    there, _ = read_safetensors(place)
    differing = sorted(
        name
        for name in there.keys() | content.keys()
        if name not in there or name not in content or not torch.equal(there[name], content[name])
    )
    if differing:
        raise CheckpointError(
            f"{source.name} holds other shared weights than {place}: {len(differing)} tensors "
            f"differ ({differing[0]}). Choose another folder, or the element type of before."
        )
