"""A tag: one word of a vocabulary that describes a picture, with the confidence of who says so."""

from collections.abc import Sized
from dataclasses import dataclass

from difficmh_core.errors import ConfigError, ImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag of a picture.

    Attributes:
        id: Its number in the vocabulary, at least 0.
        name: Its name.
        confidence: From 0 (a guess) to 1 (certain); 1 for a tag that a person typed.
    """

    id: int
    name: str
    confidence: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a value outside its range."""
        if self.id < 0 or not 0 <= self.confidence <= 1:
            raise ConfigError(
                "A tag has an id of at least 0 and a confidence in 0 to 1, got "
                f"{self.id} and {self.confidence}."
            )


def refuse_batch(image: Sized, who: str) -> None:
    """Refuse anything but one picture.

    Raises:
        ImageError: If the batch does not hold exactly one.
    """
    if len(image) != 1:
        raise ImageError(f"The {who} takes one image at a time, got {len(image)}.")
