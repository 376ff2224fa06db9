"""The pictures that an evaluation is of, told from the plots that an earlier run left."""

import logging
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from difficmh_core.batch.addresses import is_address
from difficmh_core.batch.sources import PICTURE_SUFFIXES, STANDARD, Source, find_sources
from difficmh_core.errors import ConfigError

_logger = logging.getLogger(__name__)


def find_pictures(words: Sequence[str], results: Path | None = None) -> list[Source]:
    """The pictures that words name, in the order of their names.

    Args:
        words: As :func:`~difficmh_core.batch.sources.find_sources` takes them.
        results: A folder for results. Pictures in it are left out, and that is told, unless they
            are named themselves, or in a folder that lies in it.

    Raises:
        ConfigError: If a word names none, all lie among the results, or two have one name.
    """
    found = sorted(find_sources(words, PICTURE_SUFFIXES), key=lambda each: each.name.split("/"))
    if results is not None:
        others = [each for each in found if not _is_found_in(results, each, words)]
        if not others:
            raise ConfigError(
                f"All photos lie in the folder of the results, {str(results)!r}. Name another "
                "folder for the results."
            )
        if len(others) < len(found):
            _logger.warning(
                "Photos left out because they lie in the folder of the results, %r: %s.",
                *(str(results), f"{len(found) - len(others):,}"),
            )
        found = others
    for one, next_one in pairwise(found):
        if one.name == next_one.name:
            raise ConfigError(
                f"{one.place!r} and {next_one.place!r} have one name in the results. Name a "
                "folder that holds both."
            )
    return found


def _is_found_in(folder: Path, source: Source, words: Sequence[str]) -> bool:
    """Tell whether a search that began outside of a folder, or at it, found a source in it."""
    address, outer = source.address, folder.resolve()
    if address in words or address == STANDARD or is_address(address) or source.start is not None:
        return False
    around = Path(address).parents
    began = around[source.name.count("/")].resolve()
    return around[0].resolve().is_relative_to(outer) and outer not in began.parents
