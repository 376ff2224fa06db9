"""The card of a network that ships with this package: a JSON file beside its safetensors."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.cards import sha256_of


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


def describe_network(
    weights: Path,
    *,
    license: str,
    source: str,
    data: str,
    n_steps: Mapping[str, int],
    training_seconds: float,
    device: str,
    metrics: Mapping[str, float],
) -> NetworkCard:
    """Return the card of a safetensors file, its size and SHA-256 taken from the file itself.

    Args:
        weights: The safetensors file.
        license: SPDX name of its license.
        source: The command that trained it, or its address.
        data: What it was trained on.
        n_steps: Optimizer steps of each stage.
        training_seconds: Wall-clock time of training [s].
        device: The machine that trained it.
        metrics: What was measured, by name with unit.
    """
    return NetworkCard(
        file=weights.name,
        n_bytes=weights.stat().st_size,
        sha256=sha256_of(weights),
        license=license,
        source=source,
        data=data,
        n_steps=n_steps,
        training_seconds=training_seconds,
        device=device,
        metrics=metrics,
    )


def write_network_card(card: NetworkCard, weights: Path) -> Path:
    """Write a card as JSON beside its weights and return its path."""
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    return path


def read_network_card(weights: Path) -> NetworkCard:
    """Read the card beside a safetensors file, and check that it describes this file.

    Args:
        weights: The safetensors file.

    Raises:
        CheckpointError: If card or weights are missing, the card's fields are not a card's, or
            the weights' SHA-256 is not the card's.
    """
    path = weights.with_suffix(".json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"The card {path.name} of the packaged weights cannot be read ({error}). "
            "Install the package again."
        ) from error
    expected_fields = {field.name for field in fields(NetworkCard)}
    found_fields = set(content) if isinstance(content, dict) else set()
    if found_fields != expected_fields:
        raise CheckpointError(
            f"The card {path.name} has the fields {sorted(found_fields)}, expected "
            f"{sorted(expected_fields)}. Install the package again."
        )
    card = NetworkCard(**content)
    if not weights.is_file():
        raise CheckpointError(f"The weights {weights} are missing. Install the package again.")
    found = sha256_of(weights)
    if found != card.sha256:
        raise CheckpointError(
            f"The weights {weights.name} have the SHA-256 {found}, but their card says "
            f"{card.sha256}. Install the package again."
        )
    return card
