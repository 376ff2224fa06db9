"""Average branches: what was trained apart from the same packaged weights becomes one.

::

    average = packaged + sum(share * (branch - packaged))

Where a short run ends is partly noise; an average has less of it, and is often better than every
branch. One branch with a share below 1 is averaged with the weights that it began from.

References:
    Wortsman et al.: Model soups, ICML 2022, https://arxiv.org/abs/2203.05482
    Ilharco et al.: Editing Models with Task Arithmetic, ICLR 2023,
    https://arxiv.org/abs/2212.04089
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.training.checkpoints import holds_weights, read_average
from difficmh_core.training.loop import LOG_NAME, note_device, read_devices, read_log
from difficmh_core.training.package import Weights, unpack_weights
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.loading import load_strict, tensors_below

_STAGES = (StageName.JOINT, StageName.FEW_STEP)
_CODEC = "latent_codec."


def average_weights(
    recipe: Recipe,
    packaged: Path,
    branches: Mapping[Path, float],
    qualities: tuple[float, float] = (0.0, 1.0),
) -> Iterator[Mapping[str, float]]:
    """Write run folders that hold packaged weights plus a share of what each branch changed.

    Only codec, control module and picture decoder are averaged; autoencoder's encoder and prior
    stay as packaged. Steps and seconds of all branches count in the cards, if the average is
    packaged before it is trained on.

    Args:
        recipe: Its run folders are written; they must hold no checkpoint yet.
        packaged: The weights from which every branch was unpacked.
        branches: Run folders that ``joint`` or ``few-step`` trained, and the share of each.
        qualities: Which qualities become 0 and 1: a wider or narrower range of rates.

    Yields:
        The number of values of each stage.

    Raises:
        CheckpointError: If a branch holds other networks, or the run folders a checkpoint.
        ConfigError: If there is no branch, or the qualities do not rise.
    """
    if not branches:
        raise ConfigError(
            "There is nothing to average. Name run folders with --branch RUNS=SHARE."
        )
    if not qualities[0] < qualities[1]:
        raise ConfigError(f"The first quality must be below the second, got {qualities}.")
    trained = {folder: _trained(folder) for folder in branches}

    def averaged(before: Weights) -> Weights:
        after = dict(before)
        for folder, share in branches.items():
            if trained[folder].keys() != before.keys():
                raise CheckpointError(f"{folder} holds other networks than {packaged}.")
            for name, tensor in trained[folder].items():
                if tensor.is_floating_point():
                    after[name] = after[name] + share * (tensor - before[name])
        return after | _with_ends_moved(recipe, after, qualities)

    yield from unpack_weights(packaged, recipe.runs, averaged)
    for stage in _STAGES:
        last = [line for folder in branches for line in read_log(folder / stage)[-1:]]
        if last:
            total = {key: sum(line[key] for line in last) for key in ("step", "seconds")}
            (recipe.runs / stage).mkdir(exist_ok=True)
            (recipe.runs / stage / LOG_NAME).write_text(json.dumps(total) + "\n", "utf-8")
            for device in (line for folder in branches for line in read_devices(folder / stage)):
                note_device(recipe.runs / stage, device)


def _trained(folder: Path) -> dict[str, Tensor]:
    """Return a branch's networks, each from the last stage that trained it."""
    weights = read_average(folder / StageName.JOINT)
    if holds_weights(folder / StageName.FEW_STEP):
        weights |= read_average(folder / StageName.FEW_STEP)
    return weights


def _with_ends_moved(
    recipe: Recipe, weights: Weights, qualities: tuple[float, float]
) -> dict[str, Tensor]:
    codec = LatentCodec(recipe.config(scaled=False).latent_codec)
    load_strict(codec, tensors_below(weights, _CODEC), "the average's latent codec")
    for gains in (codec.latent_gains, codec.hyper_gains):
        if gains is not None:  # one that knows a single rate has none
            gains.move_ends(*qualities)
    return {f"{_CODEC}{name}": tensor for name, tensor in codec.state_dict().items()}
