"""What is wrong with a checkpoint of full size, or with the disk: refused in seconds, in words.

The files are laid out without values, so that they take no room on the disk that this runs on.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.full_size.checkpoint import Entry, fill, lay_out
from benchmarks.full_size.measuring import Cost
from benchmarks.full_size.setup import FIRST_RATE, PINNED_RATE, Setup, Step, StepError
from difficmh_core.weights.hub_cards import CHECKPOINTS, cards_of_rate
from tests.hub_server import Hub

__all__ = ["REFUSALS"]

_MOST_S = 20  # of work: what a busy machine does meanwhile does not count
_DISK = "64m"  # of a disk that is too small
_CUT_SHARE = 0.6
_READ_AT_ONCE = ("control_model.scale_list",)
"""What loading looks at beside names and shapes."""


class _Hostile:
    """Makes a file when a careless program opens it."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch hostile-was-run",)


def _wrong_key(inventory: Mapping[str, Entry]) -> dict[str, Entry]:
    last = max(name for name in inventory if name.startswith("model.diffusion_model."))
    return {
        name + ("_of_another_network" if name == last else ""): entry
        for name, entry in inventory.items()
    }


def _wrong_shape(inventory: Mapping[str, Entry]) -> dict[str, Entry]:
    last = max(name for name in inventory if name.startswith("preprocess_tag_model.model."))
    return {**inventory, last: replace(inventory[last], shape=(7,))}


def _unchanged(inventory: Mapping[str, Entry]) -> dict[str, Entry]:
    return dict(inventory)


def _refused_file(
    change: Callable[[Mapping[str, Entry]], dict[str, Entry]],
    *,
    more: object = None,
    cut_share: float = 1.0,
) -> Step:
    """Return the step in which such a file lies in the cache, or comes from the hub."""

    def step(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
        cache = setup.folder / "cache-refused"
        shutil.rmtree(cache, ignore_errors=True)
        for card in cards_of_rate(FIRST_RATE):
            place, there = card.place(cache), card.place(setup.cache)
            place.parent.mkdir(parents=True, exist_ok=True)
            if card is CHECKPOINTS[FIRST_RATE]:
                inventory = change(setup.inventory)
                lay_out(inventory, place, more=more)
                if more is None:
                    fill(inventory, place, FIRST_RATE, names=_READ_AT_ONCE)
                os.truncate(place, int(cut_share * place.stat().st_size))
                note = f"- {place.stat().st_size} {card.revision}\n"
                place.with_name(place.name + ".checked").write_text(note, encoding="ascii")
            else:
                shutil.copy(there, place)
                shutil.copy(there.with_name(there.name + ".checked"), place.parent)
        before = _listing(cache)
        (setup.folder / "refused.dicmh").unlink(missing_ok=True)
        photo, file = setup.picture("small"), setup.folder / "refused.dicmh"
        cost, said = setup.refused(
            *("encode", photo, file, "--profile", "sd21"),
            *("--rate", FIRST_RATE, "--cache-dir", cache),
        )
        _check(cost, said)
        if _listing(cache) != before or file.exists():
            raise StepError("encoding left something behind")
        stripping, said_again = setup.refused(
            *("fetch", "sd21", "--rate", FIRST_RATE, "--stripped"),
            *("--cache-dir", cache, "--endpoint", hub.endpoint),
        )
        _check(stripping, said_again)
        left = [path for path in _listing(cache) if "ckpt" in path or path.startswith("sd21")]
        if left or Path("hostile-was-run").exists():
            raise StepError(f"fetching left {left[0] if left else 'a file of the hostile one'}")
        shutil.rmtree(cache)
        return cost, said

    return step


def _wrong_file(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    """The hub offers another file than the one whose SHA-256 is known."""
    cache = setup.folder / "cache-refused"
    shutil.rmtree(cache, ignore_errors=True)
    n_sent = len(hub.ranges)
    cost, said = setup.refused(
        *("fetch", "sd21", "--rate", PINNED_RATE),
        *("--cache-dir", cache, "--endpoint", hub.endpoint),
    )
    _check(cost, said)
    left = [path for path in _listing(cache) if "ckpt" in path]
    if "was not downloaded" not in said or left or len(hub.ranges) > n_sent + 4:
        raise StepError(said)
    shutil.rmtree(cache)
    return cost, said


def _full_disk(setup: Setup, hub: Hub) -> tuple[Cost | None, str]:
    """The cache lies on a disk that cannot hold the checkpoint."""
    with _small_disk(setup.folder / "small-disk") as cache:
        cost, said = setup.refused(
            *("fetch", "sd21", "--rate", FIRST_RATE),
            *("--cache-dir", cache, "--endpoint", hub.endpoint),
        )
        _check(cost, said)
        left = [path for path in _listing(cache) if "model.ckpt" in path]
    if "GB free" not in said or left:
        raise StepError(said)
    return cost, said


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        raise StepError("a small disk could not be made here; run this step as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def _check(cost: Cost, said: str) -> None:
    if cost.cpu_seconds > _MOST_S:
        raise StepError(f"it took {cost.cpu_seconds:.0f} s of work to refuse: {said}")


def _listing(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


REFUSALS: Mapping[str, Step] = {
    "refuse another file than the pinned one": _wrong_file,
    "refuse a wrong key": _refused_file(_wrong_key),
    "refuse a wrong shape": _refused_file(_wrong_shape),
    "refuse a cut file": _refused_file(_unchanged, cut_share=_CUT_SHARE),
    "refuse a hostile pickle": _refused_file(_unchanged, more=_Hostile()),
    "refuse a full disk": _full_disk,
}
"""By their names."""
