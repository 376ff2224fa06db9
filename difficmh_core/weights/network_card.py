"""The card of a network that ships with this package: a JSON file beside its safetensors."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.cards import card_of, read_json, sha256_of

NANO_FOLDER = Path(__file__).with_name("nano")
"""Where nano's weights and their cards are packaged."""
ELIC_FILE = Path(__file__).parent / "elic" / "elic.safetensors"
"""The packaged ELIC, that ours is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCard:
    """A network that ships with this package.

    Attributes:
        file: Name of the safetensors file beside the card.
        n_bytes: Its size [bytes].
        sha256: Its SHA-256, in hexadecimal.
        license: SPDX name of its license.
        source: Where the weights come from; for our own, the command that trained them.
        data: What they were trained on.
        n_steps: Optimizer steps of each training stage, by the stage's name.
        training_seconds: Wall-clock time of training [s].
        device: The machine that trained them.
        metrics: What was measured on pictures outside the training data, by name with unit.
    """

    file: str
    n_bytes: int
    sha256: str
    license: str
    source: str
    data: str
    n_steps: Mapping[str, int]
    training_seconds: float
    device: str
    metrics: Mapping[str, float]


def describe_network(weights: Path, **facts: Any) -> NetworkCard:  # noqa: ANN401 (its fields)
    """Return the card of a file: name, size and SHA-256 are the file's, other fields given."""
    return NetworkCard(
        file=weights.name, n_bytes=weights.stat().st_size, sha256=sha256_of(weights), **facts
    )


def write_network_card(card: NetworkCard, weights: Path) -> Path:
    """Write a card as JSON beside its weights and return its path."""
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    return path


def read_network_card(weights: Path) -> NetworkCard:
    """Read the card beside a safetensors file, and check that it describes this file.

    Raises:
        CheckpointError: If card or weights are missing, the card's fields are not a card's, or
            the weights' SHA-256 is not the card's.
    """
    path = weights.with_suffix(".json")
    card = card_of(read_json(path), NetworkCard, path.name)
    if not weights.is_file():
        raise CheckpointError(f"The weights {weights} are missing. Install the package again.")
    found = sha256_of(weights)
    if found != card.sha256:
        raise CheckpointError(
            f"The weights {weights.name} have the SHA-256 {found}, but their card says "
            f"{card.sha256}. Install the package again."
        )
    return card
