"""Package trained networks, nano's and ELIC, and unpack them to train on from there.

The files are small, in half precision or 8 bits, with integer tables, and one card for each.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from difficmh_core.codec import DiffICMHCodec, Networks
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import CheckpointError
from difficmh_core.image_io import to_image, to_tensor
from difficmh_core.models.load import load_codec
from difficmh_core.models.nano import build_networks, network_files
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.training.checkpoints import read_average, write_weights
from difficmh_core.training.latents import LatentSampler
from difficmh_core.training.loop import read_devices
from difficmh_core.training.recipe import STAGES_OF_PART, Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.loading import load_strict, read_safetensors, tensors_below
from difficmh_core.weights.network_card import (
    ELIC_FILE,
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
_RATES_BPP = (0.03, 0.06, 0.1, 0.2)
_N_PREVIEW_CROPS = 64
_THEN = ", then "
_UNKNOWN_DEVICE = "an unknown device"
_BEFORE = "before"
"""Folder of the cards of the weights that training went on from."""


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
    for quality, rows in _measure(codec, recipe).items():
        middle = {name: round(median(row[name] for row in rows), 4) for name in rows[0]}
        metrics |= {f"quality_{quality:g}_{name}": value for name, value in middle.items()}
        yield {"quality": quality, **middle}
    for stem in files:
        path, own = folder / f"{stem}.safetensors", _last_validations(recipe, stem)
        _write_card(recipe, path, STAGES_OF_PART[stem], own | metrics)


def package_elic(recipe: Recipe, folder: Path) -> Iterator[Mapping[str, float]]:
    """Write the trained network as a safetensors file with its card.

    Args:
        recipe: Whose run folder holds the trained stage.
        folder: Where to write; copy it over the packaged weights to ship them.

    Yields:
        Mean bits per pixel and PSNR of whole files at each rate, on the validation pictures.

    Raises:
        CheckpointError: If the stage did not run, or had other widths.
    """
    # Imported here, since CompressAI is not published for every machine.
    from difficmh_core.baselines.elic import Elic
    from difficmh_core.baselines.elic_network import ElicNetwork

    network = ElicNetwork(recipe.elic)
    load_strict(network, read_average(recipe.runs / StageName.ELIC), StageName.ELIC)
    round_to_half(network)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ELIC_FILE.name
    save_file(stored(network), path)
    elic = Elic([network], "ELIC", "")
    pictures = [to_image(picture[None]) for picture in recipe.check_pictures]
    metrics = dict[str, float]()
    for rate in _RATES_BPP:
        bpp, psnr = list[float](), list[float]()
        for picture in pictures:
            n_pixels = picture.width * picture.height
            coded = elic.code(picture, int(rate * n_pixels / 8))
            bpp.append(8 * len(coded.data) / n_pixels)
            decoded = to_tensor(elic.decode(coded.data))
            psnr.append(psnr_db(to_tensor(picture), decoded).item())
        measured = {"bpp": round(mean(bpp), 4), "psnr_db": round(mean(psnr), 3)}
        metrics |= {f"at_{rate:g}_{name}": value for name, value in measured.items()}
        yield {"rate": rate, **measured}
    _write_card(recipe, path, (StageName.ELIC,), metrics)


def _write_card(
    recipe: Recipe, path: Path, stages: Sequence[StageName], metrics: Mapping[str, float]
) -> None:
    """Write the card; steps and seconds count on from the weights that training went on from."""
    last_lines = {stage: recipe.history(stage)[-1] for stage in stages if recipe.history(stage)}
    before = _card_before(recipe, path.stem)
    n_steps = Counter[str](before.n_steps if before is not None else {})
    n_steps.update({stage.value: int(line["step"]) for stage, line in last_lines.items()})
    seconds = sum(line["seconds"] for line in last_lines.values())
    if before is not None:
        seconds += before.training_seconds
    card = describe_network(
        path,
        license="Apache-2.0",
        source=" && ".join(f"python -m difficmh_core train {stage}" for stage in n_steps),
        data=_data_of(recipe, before, stages),
        n_steps=dict(n_steps),
        training_seconds=round(seconds, 1),
        device=device_of(recipe, before, last_lines),
        metrics=metrics,
    )
    write_network_card(card, path)


def _last_validations(recipe: Recipe, stem: str) -> dict[str, float]:
    lines = [history[-1] for stage in STAGES_OF_PART[stem] if (history := recipe.history(stage))]
    before = _card_before(recipe, stem)
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
    packaged = {stem: _read_packaged(folder / f"{stem}.safetensors") for stem in STAGES_OF_PART}
    parts = {stem: tensors for stem, (tensors, _) in packaged.items()}
    autoencoder = tensors_below(parts["autoencoder"], "autoencoder.")
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
        _keep_card(card, runs, stem)


def unpack_elic(weights: Path, runs: Path) -> Iterator[Mapping[str, float]]:
    """Write a run folder that starts from packaged weights, so that training goes on from them.

    Args:
        weights: The safetensors file.
        runs: Where the run folder goes.

    Yields:
        The number of values.

    Raises:
        CheckpointError: If the file is damaged, or the folder holds a checkpoint already.
    """
    tensors, card = _read_packaged(weights)
    write_weights(runs / StageName.ELIC, tensors)
    _keep_card(card, runs, weights.stem)
    yield {StageName.ELIC.value: sum(tensor.numel() for tensor in tensors.values())}


def _read_packaged(path: Path) -> tuple[dict[str, Tensor], NetworkCard]:
    card = read_network_card(path)
    tensors = restored(read_safetensors(path)[0], path.name)
    single = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return single, card


def _keep_card(card: NetworkCard, runs: Path, stem: str) -> None:
    (runs / _BEFORE).mkdir(exist_ok=True)
    write_network_card(card, runs / _BEFORE / stem)


def _card_before(recipe: Recipe, stem: str) -> NetworkCard | None:
    """Return the card of the packaged weights that the run folders went on from, if they did."""
    path = recipe.runs / _BEFORE / f"{stem}.json"
    return NetworkCard(**json.loads(path.read_text("utf-8"))) if path.exists() else None


@torch.inference_mode()
def _measure(codec: DiffICMHCodec, recipe: Recipe) -> dict[float, list[dict[str, float]]]:
    """Measure each of the validation pictures at several qualities, preset ``fast``.

    Returns:
        For each quality the ``bpp``, ``psnr_db`` and ``lpips`` of every decoded picture.
    """
    perceptual = perceptual_distance("alex", recipe.cache_dir)
    results: dict[float, list[dict[str, float]]] = {quality: [] for quality in _QUALITIES}
    for original in torch.split(recipe.check_pictures, 1):
        image = to_image(original)
        for quality, rows in results.items():
            encoded = codec.encode(image, quality=quality)
            decoded = to_tensor(codec.decode_image(encoded.data, preset_of("nano", "fast")))
            rows.append(
                {
                    "bpp": encoded.stream.bpp,
                    "psnr_db": psnr_db(original, decoded).item(),
                    "lpips": perceptual(original, decoded).item(),
                }
            )
    return results


def _data_of(recipe: Recipe, before: NetworkCard | None, stages: Iterable[StageName]) -> str:
    """List what a file was trained on; arguments as :func:`device_of`, but all its stages."""
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
