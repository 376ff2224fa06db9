"""The command ``train STAGE --photos FOLDER``: one stage of the recipe.

The stages run in the order ``autoencoder``, ``latents``, ``decoder``, ``prior``, ``codec``,
``joint``, ``few-step``, ``package``; ``prior`` and ``decoder`` may run side by side, and
``decoder`` may be left out. Each goes on from its checkpoint, so that a run can be stopped at any
time and resumed by the same command. ``unpack`` makes run folders out of packaged weights, to go
on from those; ``average`` makes them out of packaged weights and of branches that were trained on
from these. ``elic``, ``package-elic`` and ``unpack-elic`` do the same for the learned codec
that nano is compared with. On several GPUs or machines, start it with
``accelerate launch -m difficmh_core train`` or, likewise, ``python -m torch.distributed.run``.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from difficmh_core.cli.options import limit_of

if TYPE_CHECKING:
    from difficmh_core.training.recipe import Recipe

_KERNELS_KEPT = "8192"
_OTHER_WORK = (
    "latents",
    "contents",
    "package",
    "unpack",
    "average",
    "package-elic",
    "unpack-elic",
)


def add_train(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``train``."""
    from difficmh_core.training.settings import StageName
    from difficmh_core.weights.network_card import NANO_FOLDER

    parser.description = "Train nano, stage by stage, or the ELIC that it is compared with."
    parser.set_defaults(run=_train, shows_all_logs=True)
    parser.add_argument("stage", choices=[*StageName, *_OTHER_WORK])
    parser.add_argument("--photos", type=Path, required=True, help="folder of train-*.tar")
    parser.add_argument("--check", type=Path, help="folder of pictures for validation")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="packaged weights")
    parser.add_argument(
        "--weights",
        type=Path,
        default=NANO_FOLDER,
        help="packaged weights that unpack and average read",
    )
    parser.add_argument(
        "--branch",
        type=_branch,
        metavar="RUNS=SHARE",
        action="append",
        default=[],
        help="for average: run folders, and their share of the change, such as runs/a=0.7",
    )
    parser.add_argument(
        "--qualities",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        default=(0.0, 1.0),
        help="for average: which qualities become 0 and 1, such as -0.1 1.2 for a wider range",
    )
    parser.add_argument(
        "--set",
        dest="changes",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="change a setting, such as minutes=20, picture.lpips=0.5 or rate=[2,2]",
    )
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--limit", type=limit_of, help="use only this many photographs")


def _train(arguments: argparse.Namespace) -> None:
    # oneDNN keeps 1,024 kernels, one for each layer and shape. Stage 'joint' needs more, and would
    # build some anew at each step: 0.83 s instead of 0.57 s on two cores.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KERNELS_KEPT)
    import torch

    from difficmh_core._support.processes import leave_processes
    from difficmh_core.training.recipe import Recipe

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    recipe = Recipe(
        photos=arguments.photos,
        check=arguments.check,
        runs=arguments.runs,
        limit=arguments.limit,
        cache_dir=arguments.cache_dir,
    )
    for line in _run(recipe, arguments):
        sys.stderr.write(json.dumps(dict(line)) + "\n")
    leave_processes()


def _run(recipe: "Recipe", arguments: argparse.Namespace) -> Iterator[Mapping[str, float]]:
    from difficmh_core.training.average import average_weights
    from difficmh_core.training.default_settings import default_settings
    from difficmh_core.training.overrides import change_settings
    from difficmh_core.training.package import (
        package_elic,
        package_weights,
        unpack_elic,
        unpack_weights,
    )
    from difficmh_core.training.settings import StageName
    from difficmh_core.weights.network_card import ELIC_FILE

    others: Mapping[str, Callable[[], Iterator[Mapping[str, float]]]] = {
        "latents": recipe.encode_latents,
        "contents": recipe.encode_contents,
        "package": lambda: package_weights(recipe, arguments.out),
        "unpack": lambda: unpack_weights(arguments.weights, arguments.runs),
        "average": lambda: average_weights(
            recipe, arguments.weights, dict(arguments.branch), tuple(arguments.qualities)
        ),
        "package-elic": lambda: package_elic(recipe, arguments.out),
        "unpack-elic": lambda: unpack_elic(ELIC_FILE, arguments.runs),
    }
    if arguments.stage in others:
        return others[arguments.stage]()
    stage = StageName(arguments.stage)
    return recipe.train(stage, change_settings(default_settings(stage), arguments.changes))


def _branch(text: str) -> tuple[Path, float]:
    folder, _, share = text.rpartition("=")
    try:
        if folder:
            return Path(folder), float(share)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be RUNS=SHARE, such as runs/a=0.7, got {text!r}")
