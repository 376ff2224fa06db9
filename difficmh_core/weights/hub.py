"""Files of the Hugging Face hub: fetched once, resumed, checked, or not there at all.

``huggingface_hub`` does the transfer, into a folder of its own below the cache. What an
interrupted download leaves lies beside the file's place, and the next one goes on from there; the
client's own ``hf_hub_download`` begins anew since version 2. What arrives is compared with the
card's SHA-256, or, where a card has none, with the checksum that the hub announces; a note beside
the file says that this was done, with SHA-256, size and revision, so that ten gigabytes are not
read again at every start. :func:`verified_path` does read a file again and compares.
"""

import errno
import hashlib
import io
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from difficmh_core.errors import BackendUnavailableError, CheckpointError, DiffICMHError
from difficmh_core.weights.cards import sha256_of

ByteCallback = Callable[[int, int], None]
"""Told how much of a file there is, and how much there will be [bytes]."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_BLOB = re.compile(r"[0-9a-f]{40}")
_CHECKED_SUFFIX = ".checked"
_PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCard:
    """A file of a repository on the hub.

    Attributes:
        purpose: What it is, for messages: "the published checkpoint of rate 4".
        repository: Owner and name of the repository.
        path: Path of the file inside it.
        revision: Commit, or a branch where no commit is known.
        sha256: SHA-256 of the file, in hexadecimal; ``None`` if it is not known beforehand.
        n_bytes: Its size [bytes]; about, where ``sha256`` is ``None``.
        license: SPDX name of its license.
        command: The command that gets it.
        is_space: Whether the repository is a space instead of a model.
        without_it: What still works without it, a full sentence.
    """

    purpose: str
    repository: str
    path: str
    revision: str
    sha256: str | None
    n_bytes: int
    license: str
    command: str
    is_space: bool = False
    without_it: str = "Profile nano needs no hub."

    @property
    def type(self) -> str:
        """The repository's type, as the hub names it."""
        return "space" if self.is_space else "model"

    def folder(self, cache_dir: Path) -> Path:
        """Return the folder below the cache that holds the repository's files."""
        return cache_dir / "hub" / self.repository.replace("/", "--")

    def place(self, cache_dir: Path) -> Path:
        """The place of the file once it is fetched."""
        return self.folder(cache_dir) / self.path

    def forget(self, cache_dir: Path) -> None:
        """Delete the file."""
        self.place(cache_dir).unlink()
        _note(self, cache_dir).unlink()


def hub_path(card: HubCard, cache_dir: Path) -> Path:
    """Return the path of a file that was fetched and checked before.

    Raises:
        BackendUnavailableError: If it was not fetched, or not to its end, or at another revision.
        CheckpointError: If it has changed in size since it was checked.
    """
    path, note = card.place(cache_dir), _note(card, cache_dir)
    if not _is_fetched(card, cache_dir):
        raise BackendUnavailableError(
            f"{card.purpose[:1].upper()}{card.purpose[1:]} is not in {cache_dir}. "
            f"Get it ({card.n_bytes / 1e9:.2f} GB) with `{card.command}`."
        )
    n_bytes = int(_noted(note)[1])
    if path.stat().st_size != n_bytes:
        raise CheckpointError(
            f"{path} has {path.stat().st_size} bytes, but had {n_bytes} when it was checked. "
            f"Delete it and run `{card.command}`."
        )
    return path


def verified_path(card: HubCard, cache_dir: Path) -> Path:
    """Return the path of a file that was fetched before, after reading all of it.

    Its SHA-256 must be the card's, or, where the card has none, the one of the file that arrived.

    Raises:
        BackendUnavailableError: If it was not fetched, or not to its end, or at another revision.
        CheckpointError: If it has changed since it was checked, or is not the card's.
    """
    path = hub_path(card, cache_dir)
    expected = card.sha256 or _noted(_note(card, cache_dir))[0]
    found = sha256_of(path)
    if found != expected:
        raise CheckpointError(
            f"{path} has the SHA-256 {found}, expected {expected}. "
            f"Delete it and run `{card.command}`."
        )
    return path


def fetch_from_hub(
    card: HubCard,
    cache_dir: Path,
    *,
    endpoint: str | None = None,
    on_bytes: ByteCallback | None = None,
) -> Path:
    """Get one file from the hub, unless it is there, and return its path.

    Args:
        card: The file.
        cache_dir: The cache folder; made if absent.
        endpoint: Address of a server that speaks the hub's protocol; ``None`` takes the client's.
        on_bytes: Told how much of the file has arrived, now and before an interruption.

    Raises:
        BackendUnavailableError: If the hub cannot be reached, does not have the file or does not
            give it, or if the disk is too full.
        CheckpointError: If the file is not the published one.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    # Which library carries the client's requests changes with its version; its errors are these.
    transport_errors = cast(tuple[type[Exception], ...], HfHubHTTPError.__bases__)
    failures: tuple[type[Exception], ...] = (*transport_errors, OSError, RuntimeError, ValueError)
    path, note = card.place(cache_dir), _note(card, cache_dir)
    if _is_fetched(card, cache_dir):
        return hub_path(card, cache_dir)
    partial = path.with_name(path.name + _PARTIAL_SUFFIX)
    place = {"repo_type": card.type, "revision": card.revision, "endpoint": endpoint}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        url = hf_hub_url(card.repository, card.path, **place)
        offered = get_hf_file_metadata(url, endpoint=endpoint)
        _check_offer(card, offered.etag)
        n_bytes = offered.size or card.n_bytes
        _download(card, url, offered.location, partial, n_bytes, on_bytes)
        partial.replace(path)
    except failures as error:
        raise _worded(card, path.parent, error) from error
    found = sha256_of(path)
    expected = card.sha256 or (offered.etag if _SHA256.fullmatch(offered.etag or "") else None)
    blob = offered.etag if _GIT_BLOB.fullmatch(offered.etag or "") else None
    if (expected is not None and found != expected) or (
        card.sha256 is None and blob is not None and _git_blob_of(path) != blob
    ):
        path.unlink()
        raise CheckpointError(
            f"The file {card.path} of {card.repository} arrived with the SHA-256 {found}, "
            f"expected {expected or 'the one of ' + str(blob)}. It was not kept; "
            f"run `{card.command}` again."
        )
    note.write_text(f"{found} {path.stat().st_size} {card.revision}\n", encoding="ascii")
    return path


def _note(card: HubCard, cache_dir: Path) -> Path:
    path = card.place(cache_dir)
    return path.with_name(path.name + _CHECKED_SUFFIX)


def _noted(note: Path) -> list[str]:
    """Return SHA-256, size and revision; notes of the first versions have no revision."""
    words = note.read_text(encoding="utf-8", errors="replace").split()
    if len(words) < 2 or not words[1].isdigit():
        raise CheckpointError(
            f"{note} does not say what was checked. Delete it and fetch the file again."
        )
    return words


def _is_fetched(card: HubCard, cache_dir: Path) -> bool:
    """Tell whether the file is there, checked, and of the card's revision."""
    note = _note(card, cache_dir)
    return (
        card.place(cache_dir).is_file()
        and note.is_file()
        and _noted(note)[2:] in ([], [card.revision])
    )


def _check_offer(card: HubCard, etag: str | None) -> None:
    """Refuse another file before it is downloaded, where the hub announces its SHA-256."""
    announced = _SHA256.fullmatch(etag or "")
    if card.sha256 is not None and announced is not None and etag != card.sha256:
        raise CheckpointError(
            f"The hub offers {card.path} of {card.repository} with the SHA-256 {etag}, expected "
            f"{card.sha256}. It is not the published file and was not downloaded."
        )


class _Arriving(io.BufferedWriter):
    """A file that is appended to, and tells how long it has become."""

    def __init__(self, path: Path, n_bytes: int, on_bytes: ByteCallback | None) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._n_bytes, self._on_bytes = n_bytes, on_bytes

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer, as the parent takes it
        """Append, and tell."""
        n_written = super().write(data)
        if self._on_bytes is not None:
            self._on_bytes(self.tell(), self._n_bytes)
        return n_written


def _download(
    card: HubCard,
    url: str,
    location: str,
    partial: Path,
    n_bytes: int,
    on_bytes: ByteCallback | None,
) -> None:
    """Append to the partial file what it lacks, if the disk can hold it."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        disable_progress_bars,
    )

    n_there = partial.stat().st_size if partial.exists() else 0
    needed, free = n_bytes - n_there, shutil.disk_usage(partial.parent).free
    if needed > free:
        raise BackendUnavailableError(
            f"The disk that holds {partial.parent} has {free / 1e9:.2f} GB free, but "
            f"{card.purpose} needs {needed / 1e9:.2f} GB. Free some space, or choose another "
            "cache folder."
        )
    disable_progress_bars("huggingface_hub.http_get")  # the caller shows how far it is
    with _Arriving(partial, n_bytes, on_bytes) as file:
        if needed > 0:
            http_get(
                location,
                file,
                resume_size=n_there,
                # The user's token is for the hub, not for the store that it redirects to.
                headers=build_hf_headers() if location == url else {},
                expected_size=n_bytes,
                displayed_filename=card.path,
            )


def _worded(card: HubCard, folder: Path, error: Exception) -> DiffICMHError:
    """Return the error that words what the client reported."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, DiffICMHError):
        return error
    again = f"Run `{card.command}` again; what has arrived is kept."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BackendUnavailableError(
            f"The disk that holds {folder} became full while {card.purpose} arrived. Free "
            f"{card.n_bytes / 1e9:.2f} GB, or choose another cache folder. {again}"
        )
    if isinstance(error, GatedRepoError):
        reason = "asks for an account that accepted its license"
    elif isinstance(error, RepositoryNotFoundError):
        reason = "does not exist, or is not public, any more"
    elif isinstance(error, RevisionNotFoundError):
        reason = f"has no revision {card.revision}"
    elif isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        reason = f"has no file {card.path} in revision {card.revision}"
    else:
        first = str(error).strip().splitlines()
        return BackendUnavailableError(
            f"{card.purpose[:1].upper()}{card.purpose[1:]} did not arrive from the hub: "
            f"{first[0] if first else type(error).__name__}. Check the network connection. {again}"
        )
    return BackendUnavailableError(
        f"The hub's repository {card.repository} {reason}, so {card.purpose} cannot be had from "
        f"there. {card.without_it}"
    )


def _git_blob_of(path: Path) -> str:
    """Return the checksum by which git names a file, which the hub announces for small ones."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
