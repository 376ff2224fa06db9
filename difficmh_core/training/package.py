"""Package the trained networks: small files, integer tables, one card for each file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from difficmh_core.codec import DiffICMHCodec, Networks
from difficmh_core.config.presets import preset_of
from difficmh_core.errors import CheckpointError
from difficmh_core.image_io import to_image, to_tensor
from difficmh_core.models.load import load_codec
from difficmh_core.models.nano import build_networks, network_files
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.training.checkpoints import below, read_average, write_weights
from difficmh_core.training.latents import LatentSampler
from difficmh_core.training.loop import read_devices
from difficmh_core.training.recipe import STAGES_OF_PART, Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.loading import load_strict, read_safetensors
from difficmh_core.weights.network_card import (
    NetworkCard,
    describe_network,
    read_network_card,
    write_network_card,
)
from difficmh_core.weights.storage import restored, round_to_half, stored

DATA = (
    "About five thousand photographs of mixed research licenses: ImageNet samples, BSDS500, "
    "Urban100 and Sun-Hays80, CID22, Animal-Pose/VOC, cats and dogs, Caltech-101, AFHQ wild, "
    "CamVid, COCO samples, deep-photo-styletransfer, Azure samples, Debian wallpapers"
)
Weights = Mapping[str, Tensor]
"""Tensors by their names."""
_IN_EIGHT_BITS: Mapping[str, str] = {"autoencoder": "autoencoder.model.encoder."}
"""What of which file is stored in 8 bits: the part that no decoder runs."""
_QUALITIES = (0.0, 50.0, 100.0)
_N_PREVIEW_CROPS = 64
_THEN = ", then "
_UNKNOWN_DEVICE = "an unknown device"
_BEFORE = "before"
"""Folder of the cards of the weights that training went on from."""


class Validated(NamedTuple):
    """What one decoded picture is like."""

    bpp: float
    psnr_db: float
    lpips: float


def write_networks(recipe: Recipe, folder: Path) -> dict[str, nn.Module]:
    """Write one safetensors file for each part of nano, as it is packaged, and return the parts.

    Args:
        recipe: Whose run folders hold the trained stages.
        folder: Where to write.

    Raises:
        CheckpointError: If a stage is missing.
    """
    networks = build_networks(recipe.config(scaled=True))
    files = network_files(networks)
    load_strict(networks.autoencoder, recipe.autoencoder(scaled=True).state_dict(), "autoencoder")
    load_strict(files["prior"], read_average(recipe.runs / StageName.PRIOR), "prior")
    load_strict(networks.latent_codec, recipe.latent_codec().state_dict(), "codec")
    load_strict(networks.unet.control, recipe.control().state_dict(), "control")
    _fit_preview(recipe, networks)
    for module in files.values():
        round_to_half(module)
    networks.latent_codec.update_tables()
    folder.mkdir(parents=True, exist_ok=True)
    for stem, module in files.items():
        tensors = stored(module, in_eight_bits=_IN_EIGHT_BITS.get(stem))
        save_file(tensors, folder / f"{stem}.safetensors")
    return files


def package_weights(recipe: Recipe, folder: Path) -> Iterator[Mapping[str, float]]:
    """Write one safetensors file and one card for each part of nano.

    Args:
        recipe: Whose run folders hold the trained stages.
        folder: Where to write; copy it over the packaged weights to ship them.

    Yields:
        The median metrics at each quality.

    Raises:
        CheckpointError: If a stage is missing, or the profile's scaling factor is not the trained
            one.
    """
    files = write_networks(recipe, folder)
    codec = load_codec("nano", weights_folder=folder, cache_dir=recipe.cache_dir)
    if codec.config.autoencoder.scaling_factor != recipe.scaling_factor:
        raise CheckpointError(
            f"NANO scales latents by {codec.config.autoencoder.scaling_factor}, but these were "
            f"trained with {recipe.scaling_factor}. Set that in profiles.py and package again."
        )
    metrics = dict[str, float]()
    for quality, rows in measure(codec, recipe).items():
        middle = Validated(*(round(median(column), 4) for column in zip(*rows, strict=True)))
        name = f"quality_{quality:g}"
        metrics |= {f"{name}_{field}": value for field, value in middle._asdict().items()}
        yield {"quality": quality, **middle._asdict()}
    for stem in files:
        path, own = folder / f"{stem}.safetensors", _last_validations(recipe, stem)
        write_card(recipe, path, STAGES_OF_PART[stem], own | metrics)


def write_card(
    recipe: Recipe, path: Path, stages: Sequence[StageName], metrics: Mapping[str, float]
) -> None:
    """Write the card of a packaged file.

    Steps and seconds count on from the weights that training went on from.

    Args:
        recipe: Whose stages ran.
        path: The file.
        stages: Those that train it.
        metrics: What it is like.
    """
    last_lines = {stage: recipe.history(stage)[-1] for stage in stages if recipe.history(stage)}
    before = card_before(recipe, path.stem)
    n_steps = Counter[str](before.n_steps if before is not None else {})
    n_steps.update({stage.value: int(line["step"]) for stage, line in last_lines.items()})
    seconds = sum(line["seconds"] for line in last_lines.values())
    if before is not None:
        seconds += before.training_seconds
    card = describe_network(
        path,
        license="Apache-2.0",
        source=" && ".join(f"python -m difficmh_core train {stage}" for stage in n_steps),
        data=data_of(recipe, before, stages),
        n_steps=dict(n_steps),
        training_seconds=round(seconds, 1),
        device=device_of(recipe, before, last_lines),
        metrics=metrics,
    )
    write_network_card(card, path)


def _last_validations(recipe: Recipe, stem: str) -> dict[str, float]:
    lines = [history[-1] for stage in STAGES_OF_PART[stem] if (history := recipe.history(stage))]
    before = card_before(recipe, stem)
    if before is not None and not lines:  # or they would tell of weights that are no more
        lines = [before.metrics]
    return {
        key: value for line in lines for key, value in line.items() if key.startswith("check_")
    }


def unpack_weights(
    folder: Path, runs: Path, change: Callable[[Weights], Weights] = dict
) -> Iterator[Mapping[str, float]]:
    """Write run folders that start from packaged weights, so that training goes on from them.

    The cards are kept there, too: steps and seconds of the weights made next count on from them.

    Args:
        folder: Holds the files that :func:`package_weights` wrote.
        runs: Where the run folders go; ``latents`` must run again before the later stages.
        change: From the weights of stage ``joint`` to those that are written.

    Yields:
        The number of values of each stage.

    Raises:
        CheckpointError: If a file is damaged, or a run folder holds a checkpoint already.
    """
    packaged = {stem: read_packaged(folder / f"{stem}.safetensors") for stem in STAGES_OF_PART}
    parts = {stem: tensors for stem, (tensors, _) in packaged.items()}
    autoencoder = below(parts["autoencoder"], "autoencoder.")
    codec = {f"latent_codec.{name}": tensor for name, tensor in parts["latent_codec"].items()}
    joint = {f"control.{name}": tensor for name, tensor in parts["control"].items()} | codec
    joint |= {f"autoencoder.{name}": tensor for name, tensor in autoencoder.items()}
    for stage, weights in {
        StageName.AUTOENCODER: autoencoder,
        StageName.PRIOR: parts["prior"],
        StageName.CODEC: codec,
        StageName.JOINT: change(joint),
    }.items():
        write_weights(runs / stage, weights)
        yield {stage.value: sum(tensor.numel() for tensor in weights.values())}
    for stem, (_, card) in packaged.items():
        keep_card(card, runs, stem)


def read_packaged(path: Path) -> tuple[dict[str, Tensor], NetworkCard]:
    """Return the weights of a packaged file in single precision, and its card.

    Raises:
        CheckpointError: If one of them is damaged.
    """
    card = read_network_card(path)
    tensors = restored(read_safetensors(path)[0], path.name)
    single = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return single, card


def keep_card(card: NetworkCard, runs: Path, stem: str) -> None:
    """Keep the card of weights that training goes on from, for :func:`card_before`."""
    (runs / _BEFORE).mkdir(exist_ok=True)
    write_network_card(card, runs / _BEFORE / stem)


def card_before(recipe: Recipe, stem: str) -> NetworkCard | None:
    """Return the card of the packaged weights that the run folders went on from, if they did."""
    path = recipe.runs / _BEFORE / f"{stem}.json"
    return NetworkCard(**json.loads(path.read_text("utf-8"))) if path.exists() else None


@torch.inference_mode()
def measure(codec: DiffICMHCodec, recipe: Recipe) -> dict[float, list[Validated]]:
    """Measure the validation pictures at several qualities, preset ``fast``."""
    perceptual = perceptual_distance("alex", recipe.cache_dir)
    results = dict[float, list[Validated]]()
    for original in torch.split(recipe.check_pictures, 1):
        image = to_image(original)
        for quality in _QUALITIES:
            encoded = codec.encode(image, quality=quality)
            decoded = to_tensor(codec.decode_image(encoded.data, preset_of("nano", "fast")))
            results.setdefault(quality, []).append(
                Validated(
                    bpp=encoded.stream.bpp,
                    psnr_db=psnr_db(original, decoded).item(),
                    lpips=perceptual(original, decoded).item(),
                )
            )
    return results


def data_of(recipe: Recipe, before: NetworkCard | None, stages: Iterable[StageName]) -> str:
    """List what a file was trained on, first by the weights that training went on from.

    Args:
        recipe: Whose stages ran.
        before: Card of the weights that training went on from.
        stages: Those that train the file.
    """
    if before is not None and not any(recipe.history(stage) for stage in stages):
        return before.data
    if recipe.limit is None:
        return DATA
    if before is not None:
        return f"{before.data}; then the first {recipe.limit} of them"
    return f"{DATA}; of these, the first {recipe.limit}"


def device_of(recipe: Recipe, before: NetworkCard | None, stages: Iterable[StageName]) -> str:
    """List what trained a file, first by the weights that training went on from.

    Args:
        recipe: Whose stages ran.
        before: Card of the weights that training went on from.
        stages: Those that trained the file here.
    """
    devices = before.device.split(_THEN) if before is not None else []
    for stage in stages:
        devices += read_devices(recipe.runs / stage) or [_UNKNOWN_DEVICE]
    return _THEN.join(device for device, _ in groupby(devices))


def _fit_preview(recipe: Recipe, networks: Networks) -> None:
    crops = LatentSampler(recipe.photographs, recipe.latents_path, crop_px=256)
    batch = crops.draw(_N_PREVIEW_CROPS, np.random.default_rng(0))
    networks.preview.fit(batch.latent, batch.image)
