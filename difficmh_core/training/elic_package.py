"""Package the reduced ELIC: half precision, one card; and unpack it to train on from there."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from PIL import Image
from safetensors.torch import save_file

from difficmh_core.baselines.elic import Elic
from difficmh_core.baselines.elic_network import ElicNetwork
from difficmh_core.image_io import to_image, to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.training.checkpoints import read_average, write_weights
from difficmh_core.training.package import keep_card, read_packaged, write_card
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.loading import load_strict
from difficmh_core.weights.storage import round_to_half, stored

_STEM = "elic"
_RATES_BPP = (0.03, 0.06, 0.1, 0.2)


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
    network = ElicNetwork(recipe.elic)
    load_strict(network, read_average(recipe.runs / StageName.ELIC), StageName.ELIC)
    round_to_half(network)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_STEM}.safetensors"
    save_file(stored(network), path)
    elic = Elic([network], "ELIC", "")
    pictures = [to_image(picture[None]) for picture in recipe.check_pictures]
    metrics = dict[str, float]()
    for rate in _RATES_BPP:
        measured = _measure(elic, pictures, rate)
        metrics |= {f"at_{rate:g}_{name}": value for name, value in measured.items()}
        yield {"rate": rate, **measured}
    write_card(recipe, path, (StageName.ELIC,), metrics)


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
    tensors, card = read_packaged(weights)
    write_weights(runs / StageName.ELIC, tensors)
    keep_card(card, runs, weights.stem)
    yield {StageName.ELIC.value: sum(tensor.numel() for tensor in tensors.values())}


def _measure(elic: Elic, pictures: Sequence[Image.Image], rate_bpp: float) -> dict[str, float]:
    """Return the means over pictures of the best files of so many bits."""
    bpp, psnr = list[float](), list[float]()
    for picture in pictures:
        n_pixels = picture.width * picture.height
        coded = elic.code(picture, int(rate_bpp * n_pixels / 8))
        bpp.append(8 * len(coded.data) / n_pixels)
        decoded = to_tensor(elic.decode(coded.data))
        psnr.append(psnr_db(to_tensor(picture), decoded).item())
    return {"bpp": round(mean(bpp), 4), "psnr_db": round(mean(psnr), 3)}
