"""Rewrite a published checkpoint once, to what encoding and decoding need.

Of 11.7 GB, 3.4 GB are optimizer moments, and 6.6 GB (Stable Diffusion, RAM++) are the same in all
five checkpoints. The stripped form is three safetensors files under the published names:
``shared`` and ``tagger`` once, and one for each rate. The latent codec stays in single precision
in any case: its weights decide the coded integers.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.weights.loading import read_safetensors
from difficmh_core.weights.published.checkpoint import account_for, read_checkpoint

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
    """Return the name of the stripped file of one rate: control module and latent codec."""
    return f"rate-{rate}.safetensors"


def strip_checkpoint(
    path: Path, folder: Path, rate: int, *, dtype: torch.dtype = torch.float32
) -> dict[str, int]:
    """Write the stripped files of one checkpoint.

    Args:
        path: The published checkpoint.
        folder: Where the stripped files go; made if absent. Shared files that are there already
            are compared with the checkpoint's and kept.
        rate: The checkpoint's rate weight.
        dtype: Element type of all parts but the latent codec.

    Returns:
        The size of each of the three files, by name [bytes].

    Raises:
        BackendUnavailableError: If the disk cannot hold the stripped files beside the checkpoint.
        CheckpointError: If the checkpoint cannot be read, holds unknown names, lacks a part, or
            shares other weights than the files that are there.
    """
    tensors = read_checkpoint(path)
    parts = account_for(tensors, path.name)
    contents: dict[str, dict[str, torch.dtype | None]] = {
        SHARED_FILE: {},
        TAGGER_FILE: {},
        rate_file(rate): {},
    }
    for part, names in parts.items():
        if not names:
            raise CheckpointError(
                f"The checkpoint {path.name} lacks the {part}. Use a published checkpoint."
            )
        kept = torch.float32 if part == _ALWAYS_SINGLE else dtype
        file = _FILE_OF_PART.get(part, rate_file(rate))
        for name in names:
            contents[file][name] = kept if tensors[name].is_floating_point() else None
    folder.mkdir(parents=True, exist_ok=True)
    to_write = [
        file for file in contents if file == rate_file(rate) or not (folder / file).exists()
    ]
    _check_room(
        folder,
        path,
        sum(
            tensors[name].numel() * (element or tensors[name].dtype).itemsize
            for file in to_write
            for name, element in contents[file].items()
        ),
    )
    sizes = dict[str, int]()
    for file, elements in contents.items():
        place = folder / file
        # One file's tensors at a time: together they would fill the memory of a small machine.
        content = {
            name: tensors[name] if element is None else tensors[name].to(element)
            for name, element in elements.items()
        }
        if file not in to_write:
            _check_equal(place, content, path)
        else:
            _write(content, place)
        sizes[file] = place.stat().st_size
    return sizes


def _check_room(folder: Path, source: Path, n_bytes: int) -> None:
    """Refuse, before anything is written, a disk that cannot hold the files."""
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise BackendUnavailableError(
            f"The disk that holds {folder} has {free / 1e9:.2f} GB free, but the stripped files "
            f"of {source.name} need {n_bytes / 1e9:.2f} GB beside it. Free some space, or keep "
            "the checkpoint as it is: it works without --stripped."
        )


def _write(content: Mapping[str, Tensor], place: Path) -> None:
    unfinished = place.with_suffix(".unfinished")
    try:
        save_file({name: value.contiguous() for name, value in content.items()}, unfinished)
        unfinished.replace(place)
    except (OSError, SafetensorError) as error:
        unfinished.unlink(missing_ok=True)
        raise BackendUnavailableError(
            f"{place} could not be written: {str(error).rstrip('.')}. Free some space, or keep "
            "the checkpoint as it is: it works without --stripped."
        ) from error


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
