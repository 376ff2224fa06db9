"""What a rehearsal works with: the program, the hub on this machine, pictures and folders."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.full_size.checkpoint import RATE_PREFIXES, Entry, fill, lay_out
from benchmarks.full_size.measuring import Cost, run
from benchmarks.full_size.words import write_tokenizer
from difficmh_core.weights.hub import HubCard
from difficmh_core.weights.hub_cards import (
    CHECKPOINTS,
    RAM_NAMES,
    RAM_THRESHOLDS,
    TOKENIZER_MERGES,
    TOKENIZER_VOCABULARY,
)
from tests.hub_server import Hub, checksum_of, serving

__all__ = ["FIRST_RATE", "PINNED_RATE", "ROOT", "SECOND_RATE", "Setup", "StepError", "hub_of"]

ROOT = Path(__file__).parents[2]
FIRST_RATE, SECOND_RATE = 2, 8
PINNED_RATE = 4
"""The one rate whose SHA-256 is known: nothing but the published file passes for it."""


class StepError(Exception):
    """A step did not do what it should; says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a rehearsal works with.

    Attributes:
        folder: Everything that it makes goes here.
        inventory: The checkpoint's tensors.
        words: Folder with the tagger's names and thresholds.
        program: The command line; :mod:`difficmh_core` or the same with small networks.
        page: The page.
        sizes: Of the pictures, by what they are for: width and height [px].
        limits_gb: The most memory that a step may take, by its name [GB].
    """

    folder: Path
    inventory: Mapping[str, Entry]
    words: Path
    program: Sequence[str]
    page: Sequence[str]
    sizes: Mapping[str, tuple[int, int]]
    limits_gb: Mapping[str, float] = field(default_factory=dict)

    def command(self, *words: object) -> Cost:
        """Run a command of the program."""
        return self.run([*self.program, *map(str, words)])

    def run(self, command: Sequence[str]) -> Cost:
        """Run any command."""
        return run(command, ROOT, self.folder / f"log-{os.getpid()}")

    def done(self, *words: object) -> tuple[Cost, dict[str, Any]]:
        """Run a command that must succeed; also what it tells as JSON."""
        cost = self.command(*words, "--json")
        if cost.code != 0:
            raise StepError(f"{words[0]} ended with {cost.code}: {last_line(cost.said)}")
        return cost, json.loads(cost.out)

    def refused(self, *words: object) -> tuple[Cost, str]:
        """Run a command that must be refused in words; also those words."""
        cost = self.command(*words)
        if cost.code == 0:
            raise StepError(f"{' '.join(map(str, words))} was not refused")
        if "Traceback" in cost.said:
            raise StepError(f"{words[0]} ended with a traceback: {last_line(cost.said)}")
        return cost, last_line(cost.said)

    @property
    def cache(self) -> Path:
        """The folder of fetched weights."""
        return self.folder / "cache"

    @property
    def narrow_cache(self) -> Path:
        """The folder of weights in half the precision."""
        return self.folder / "cache-bfloat16"

    @property
    def served(self) -> Path:
        """The one checkpoint that the hub has, of one rate after the other."""
        return self.folder / "served.ckpt"

    def picture(self, name: str) -> Path:
        """A photograph of the size that a name stands for."""
        size = self.sizes[name]
        path = self.folder / f"{name}.png"
        if not path.exists():
            with Image.open(ROOT / "examples" / "astronaut.png") as photo:
                photo.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    def write_checkpoint(self) -> None:
        """Write the first rate's."""
        lay_out(self.inventory, self.served)
        fill(self.inventory, self.served, FIRST_RATE)
        checksum_of(self.served)

    def change_rate(self) -> None:
        """Make the second rate's of it."""
        names = [name for name in self.inventory if name.startswith(RATE_PREFIXES)]
        fill(self.inventory, self.served, SECOND_RATE, names=names)
        checksum_of(self.served)


def last_line(text: str) -> str:
    """The last line that was said, where an error stands."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "nothing was said"


def _address(card: HubCard) -> str:
    kind = "/spaces" if card.is_space else ""
    return f"{kind}/{card.repository}/resolve/{card.revision}/{card.path}"


@contextmanager
def hub_of(setup: Setup) -> Iterator[Hub]:
    """Serve every file of every rate until the block ends."""
    tokenizer = setup.folder / "tokenizer"
    tokenizer.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = tokenizer / "vocab.json", tokenizer / "merges.txt"
    if not merges.exists():
        write_tokenizer(vocabulary, merges)
    files: dict[HubCard, Path] = {
        TOKENIZER_VOCABULARY: vocabulary,
        TOKENIZER_MERGES: merges,
        RAM_NAMES: setup.words / Path(RAM_NAMES.path).name,
        RAM_THRESHOLDS: setup.words / Path(RAM_THRESHOLDS.path).name,
        **dict.fromkeys(CHECKPOINTS.values(), setup.served),
    }
    if setup.served.exists():
        checksum_of(setup.served)  # no client waits so long for an answer
    with serving({_address(card): path for card, path in files.items()}) as hub:
        yield hub


Step = Callable[[Setup, Hub], tuple[Cost | None, str]]
"""Does one thing; what the command in it cost, and what is worth saying."""
