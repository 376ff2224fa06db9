"""Tag vocabularies: which words a file can hold, and the number of each.

A tag is stored as its number, so a vocabulary is part of the file format and never changes: its
SHA-256 is checked at every reading.

``imagenet+coco`` (1,080 names): the 1,000 class names of ImageNet as torchvision gives them, then
the 80 of COCO. Names are unique without regard to case and hold no comma. Where that asked for a
change:

- the corgi "Cardigan" is "Cardigan Welsh corgi", so that "cardigan" is the garment;
- the bird "kite" is "kite bird", so that "kite" is COCO's toy;
- 17 names of COCO mean what the same name of ImageNet means; they end in " (object)", and the
  taggers give the number of ImageNet's name instead.

``ram`` (4,585 names): the tag list of RAM++, read from a fetched file.

References:
    Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge, 2015,
    https://arxiv.org/abs/1409.0575
    Lin et al.: Microsoft COCO, 2014, https://arxiv.org/abs/1405.0312
    Huang et al.: RAM++, 2023, https://arxiv.org/abs/2310.15200
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from difficmh_core.errors import BackendUnavailableError, CheckpointError, ConfigError
from difficmh_core.tagging.tags import Tag

N_IMAGENET = 1000
"""Names of ``imagenet+coco`` that are ImageNet's; COCO's follow."""

_SHA256 = {
    "imagenet+coco": "74430689ca3bf1d07652ea6e1b2b95d88751959b7a0764c818978aea69ed1238",
    "ram": "5d96d2f7225527480ad773aaac76b6e5c08a18adf6eae9ca7d2ab923d5e7bd8b",
}
_PACKAGED_FILES = {"imagenet+coco": Path(__file__).with_name("imagenet_coco.txt")}
_DOUBLE_SUFFIX = " (object)"
_N_SUGGESTIONS = 3


class Vocabulary:
    """Names and their numbers, both ways.

    Attributes:
        names: Every name, at the place of its number.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._ids: Mapping[str, int] = {name.casefold(): i for i, name in enumerate(names)}
        if len(self._ids) != len(names) or any("," in name for name in names):
            raise ConfigError(
                "The names of a vocabulary must be unique without regard to case, and hold no "
                f"comma; {len(names) - len(self._ids)} of {len(names)} are repeated."
            )

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _normalized(name) in self._ids

    def index_of(self, name: str) -> int:
        """Return the number of a name, whatever its case.

        Raises:
            ConfigError: If the vocabulary has no such name; the message lists similar ones.
        """
        key = _normalized(name)
        if key in self._ids:
            return self._ids[key]
        similar = difflib.get_close_matches(key, self._ids, n=_N_SUGGESTIONS)
        hint = (
            f"Similar tags are {', '.join(self.names[self._ids[match]] for match in similar)}."
            if similar
            else "No tag is similar; choose another word."
        )
        raise ConfigError(
            f"The vocabulary of {len(self)} tags does not contain {name.strip()!r}. {hint}"
        )

    def name_of(self, tag_id: int) -> str:
        """Return the name with this number.

        Raises:
            ConfigError: If the number is not in the vocabulary.
        """
        if not 0 <= tag_id < len(self.names):
            raise ConfigError(f"Tag numbers must lie in 0 to {len(self.names) - 1}, got {tag_id}.")
        return self.names[tag_id]

    def tags(self, confidences: Mapping[int, float]) -> list[Tag]:
        """Name tags, by falling confidence; equal ones by number.

        Args:
            confidences: Of each tag, by its number; what exceeds 1 is taken as 1.
        """
        ranked = sorted(confidences.items(), key=lambda item: (-item[1], item[0]))
        return [
            Tag(id=tag_id, name=self.name_of(tag_id), confidence=min(confidence, 1.0))
            for tag_id, confidence in ranked
        ]


def load_vocabulary(name: str, path: Path | None = None) -> Vocabulary:
    """Return a vocabulary by its name.

    Args:
        name: ``"imagenet+coco"`` or ``"ram"``.
        path: The file of names, one a line; not needed for a vocabulary that ships with this
            package.

    Raises:
        ConfigError: If there is no vocabulary of this name.
        BackendUnavailableError: If its file is needed and absent.
        CheckpointError: If the file is not the published one.
    """
    if name not in _SHA256:
        raise ConfigError(
            f"There is no vocabulary {name!r}; choose one of {', '.join(sorted(_SHA256))}."
        )
    file = _PACKAGED_FILES.get(name) if path is None else path
    if file is None:
        raise BackendUnavailableError(
            f"The vocabulary {name!r} does not ship with this package; name its file, or use "
            f"{', '.join(sorted(_PACKAGED_FILES))}."
        )
    return _read_vocabulary(file, _SHA256[name])


def coco_names() -> tuple[str, ...]:
    """Return the 80 names of COCO, in the order in which detectors number them."""
    names = load_vocabulary("imagenet+coco").names[N_IMAGENET:]
    return tuple(name.removesuffix(_DOUBLE_SUFFIX) for name in names)


def tag_id_of_detection(label_id: int) -> int:
    """Return the number in ``imagenet+coco`` that stands for one of COCO's classes.

    Where ImageNet has a class of the same meaning, it is ImageNet's number, so that a thing has
    one tag whichever network saw it.

    Args:
        label_id: The detector's number of the class, 0 to 79.
    """
    vocabulary = load_vocabulary("imagenet+coco")
    name = vocabulary.name_of(N_IMAGENET + label_id)
    return vocabulary.index_of(name.removesuffix(_DOUBLE_SUFFIX))


@cache
def _read_vocabulary(path: Path, sha256: str) -> Vocabulary:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackendUnavailableError(
            f"The vocabulary {path} cannot be read ({error.strerror}). Get the file again, or "
            "use a vocabulary that ships with this package."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CheckpointError(
            f"The vocabulary {path.name} has the SHA-256 {found}, expected {sha256}. "
            "Get the published file again."
        )
    return Vocabulary(tuple(data.decode("utf-8").splitlines()))


def _normalized(name: str) -> str:
    return " ".join(name.split()).casefold()
