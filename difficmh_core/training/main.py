"""Command line of training: ``python -m difficmh_core train STAGE --photos FOLDER``.

The stages run in the order ``autoencoder``, ``latents``, ``decoder``, ``prior``, ``codec``,
``control``, ``package``; ``prior``, ``codec`` and ``decoder`` may run side by side. Each goes on
from its checkpoint, so that a run can be stopped at any time and resumed by the same command.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from difficmh_core.errors import ConfigError
from difficmh_core.training.package import package_weights
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName, default_settings

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run one stage.

    Args:
        argv: Arguments after ``train``.

    Returns:
        The exit code, 0.

    Raises:
        DiffICMHError: If photographs or an earlier stage are missing.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    recipe = Recipe(
        photos=arguments.photos,
        check=arguments.check,
        runs=arguments.runs,
        limit=arguments.limit,
    )
    for line in _run(recipe, arguments):
        sys.stderr.write(json.dumps(dict(line)) + "\n")
    return 0


def _run(recipe: Recipe, arguments: argparse.Namespace) -> Iterator[Mapping[str, float]]:
    others: Mapping[str, Callable[[], Iterator[Mapping[str, float]]]] = {
        "latents": recipe.encode_latents,
        "package": lambda: package_weights(recipe, arguments.out),
    }
    if arguments.stage in others:
        return others[arguments.stage]()
    stage = StageName(arguments.stage)
    settings = default_settings(stage)
    changes = {
        name: getattr(arguments, name)
        for name in ("minutes", "batch_size", "crop_px", "learning_rate", "seed")
        if getattr(arguments, name) is not None
    }
    return recipe.train(stage, replace(settings, **changes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m difficmh_core train", description="Train nano, stage by stage."
    )
    parser.add_argument("stage", choices=[*StageName, "latents", "package"])
    parser.add_argument("--photos", type=Path, required=True, help="folder of train-*.tar")
    parser.add_argument("--check", type=Path, help="folder of pictures for validation")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="packaged weights")
    parser.add_argument("--minutes", type=float, help="time of the stage [min]")
    parser.add_argument("--batch-size", type=int, help="crops per step")
    parser.add_argument("--crop-px", type=int, help="side of the crops [px]")
    parser.add_argument("--learning-rate", type=float, help="peak learning rate")
    parser.add_argument("--seed", type=int, help="seed of crops, noise and timesteps")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--limit", type=_positive, help="use only this many photographs")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ConfigError(f"--limit must be at least 1, got {value}.")
    return value
