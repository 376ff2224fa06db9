"""Files on storage, and addresses that lead to them from anywhere."""

import pickle
import re
import zipfile

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.implementations.zip import ZipFileSystem

from difficmh_core.batch.addresses import storage_of
from difficmh_core.batch.source_version import version_of
from difficmh_core.batch.sources import find_sources
from difficmh_core.batch.storage_search import address_on_storage
from difficmh_core.errors import ConfigError

SUFFIXES = frozenset({".jpg"})
FILES = {"a.jpg": b"one", "deep/b.jpg": b"two", "deep/notes.txt": b"three"}


class Served(MemoryFileSystem):
    """Storage whose paths name no server, as those of FTP."""

    protocol = "served"
    store = {}  # noqa: RUF012 (as its parent has it)
    pseudo_dirs = [""]  # noqa: RUF012

    def __init__(self, host, **settings):
        super().__init__(**settings)
        if host == "down":
            raise ConnectionRefusedError(111, "Connection refused")
        self.store = self.store.setdefault(host, {})

    @staticmethod
    def _get_kwargs_from_urls(address):
        host = address.removeprefix("served://").partition("/")[0].rpartition("@")[2]
        return {"host": host} if host else {}

    @classmethod
    def _strip_protocol(cls, path):
        below = path.removeprefix("served://").partition("/")[2]
        return "/" + (below if path.startswith("served://") else path).strip("/")


fsspec.register_implementation("served", Served, clobber=True)


@pytest.fixture(autouse=True)
def storages():
    memory = fsspec.filesystem("memory")
    for name, data in FILES.items():
        memory.pipe_file(f"/in/{name}", data)
        for host in ("one", "two"):
            fsspec.filesystem("served", host=host).store[f"/in/{name}"] = memory.store[
                f"/in/{name}"
            ]
    yield
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    Served.store.clear()
    Served.clear_instance_cache()


@pytest.fixture
def packed(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.mkdir("deep")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return tmp_path / "x.zip"


def found(word):
    """The content of what a word names, by name, as another process would read it."""
    sources = pickle.loads(pickle.dumps(find_sources([word], SUFFIXES)))
    for source in sources:
        storage, path = storage_of(source.address)  # the address alone leads there, too
        assert storage.cat_file(path) == source.read(100)
    return {source.name: source.read(100) for source in sources}


@pytest.mark.parametrize(
    "start",
    ["memory://in", "served://two/in", "served://ann:p@ss@two/in/", "zip://::{}", "zip::{}"],
)
def test_a_folder_of_any_storage_is_read(start, packed):
    assert found(start.format(packed)) == {"a.jpg": b"one", "deep/b.jpg": b"two"}


@pytest.mark.parametrize(
    "pattern",
    ["memory://in/**", "served://two/in/**", "zip://**::{}", "zip://**::file://{}"],
)
def test_patterns_match_files_and_no_folders(pattern, packed):
    assert found(pattern.format(packed)) == FILES
    assert found(pattern.replace("**", "*").format(packed)) == {"a.jpg": b"one"}


def test_parts_of_archives_on_storage_are_read(packed):
    fsspec.filesystem("memory").pipe_file("/x.zip", packed.read_bytes())
    for word in ("zip://deep::memory://x.zip", "zip://deep/b.jpg::memory://x.zip"):
        assert found(word) == {"b.jpg": b"two"}
    (source,) = find_sources(["zip://deep/::memory://x.zip"], SUFFIXES)
    assert source.place == "zip://deep/b.jpg::memory://x.zip"


def test_servers_are_told_apart():
    places = [find_sources([f"served://{host}/in"], SUFFIXES)[0] for host in ("one", "two")]
    assert [source.identity for source in places] == [
        f"served://{host}/in/a.jpg" for host in ("one", "two")
    ]


def test_a_name_with_signs_of_patterns_is_a_name():
    fsspec.filesystem("memory").pipe_file("/odd/a[1].jpg", b"odd")
    fsspec.filesystem("memory").pipe_file("/odd/a[1].txt", b"text")
    assert found("memory://odd/a[1].jpg") == {"a[1].jpg": b"odd"}
    fsspec.filesystem("memory").pipe_file("/odd[1]/a.jpg", b"a")
    fsspec.filesystem("memory").pipe_file("/odd[1]/a.txt", b"text")
    assert found("memory://odd[1]") == {"a.jpg": b"a"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("served:///in", r"'served:///in' cannot be reached: .*host.*Give the whole address\."),
        ("ftp:///in", r"'ftp:///in' names no server\. Give one, as in ftp://server/folder\."),
        ("zip://::sftp://ann:secret@/x.zip", r"'zip://::sftp://ann:\*\*\*@/x\.zip' names no"),
        ("served://down/in", r"'served://down/in' cannot be read: .*Connection refused\. Check"),
        ("served://one/no", r"There is no file or folder 'served://one/no'\."),
        ("served://one/no/*.jpg", r"'served://one/no/\*\.jpg' names no file"),
    ],
)
def test_what_cannot_be_reached_or_is_not_there_is_said(word, message):
    with pytest.raises(ConfigError, match=message):
        find_sources([word], SUFFIXES)


@pytest.mark.parametrize(
    ("word", "path", "file", "address"),
    [
        ("ftp://ann@host", "/", "/a.jpg", "ftp://ann@host/a.jpg"),
        ("ftp://host/in/", "/in", "/in/a.jpg", "ftp://host/in/a.jpg"),
        ("s3://bucket/in/*", "bucket/in/*", "bucket/in/a.jpg", "s3://bucket/in/a.jpg"),
        ("simplecache::s3://b/in", "b/in", "b/in/a.jpg", "simplecache::s3://b/in/a.jpg"),
        ("https://h/in/", "https://h/in/", "https://h/in/a.jpg", "https://h/in/a.jpg"),
        ("abfs://c@host/in", "c/in", "c/in/a.jpg", "memory://c/in/a.jpg"),
    ],
)
def test_addresses_keep_what_paths_leave_out(word, path, file, address):
    assert address_on_storage(word, fsspec.filesystem("memory"), path, file) == address


def test_a_zip_file_is_opened_once_by_each_reader_and_anew_when_it_changed(packed, monkeypatch):
    opened = []
    original = ZipFileSystem.__init__

    def counted(self, *words, **settings):
        opened.append(self)
        original(self, *words, **settings)

    monkeypatch.setattr(ZipFileSystem, "__init__", counted)
    sources = find_sources([f"zip://**::{packed}"], SUFFIXES)
    n_for_the_search = len(opened)
    assert [source.read(9) for source in sources] == list(FILES.values())
    assert len(opened) == n_for_the_search + 1
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", b"new")
    (changed,) = find_sources([f"zip://**::{packed}"], SUFFIXES)
    assert changed.read(9) == b"new"
    assert changed.version != sources[0].version


def test_a_storage_is_opened_anew_after_an_error(monkeypatch):
    (source,) = find_sources(["served://one/in/a.jpg"], SUFFIXES)
    before = fsspec.filesystem("served", host="one").store.pop("/in/a.jpg")
    with pytest.raises(FileNotFoundError):
        source.read(9)
    Served.clear_instance_cache()
    Served.store["one"] = {"/in/a.jpg": before}
    assert source.read(9) == b"one"


def test_errors_of_packages_are_errors_of_the_system_without_what_opens_an_address(monkeypatch):
    (source,) = find_sources(["memory://in/a.jpg"], SUFFIXES)
    for raised, expected in (
        (RuntimeError("https://h/a?sig=secret is closed"), "RuntimeError: https://h/a?*** is"),
        (FileNotFoundError("https://h/a?sig=secret"), "https://h/a?***"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ):

        def refuse(*_, raised=raised, **__):
            raise raised

        monkeypatch.setattr(MemoryFileSystem, "_open", refuse)
        with pytest.raises(OSError, match=re.escape(expected)) as caught:
            source.read(9)
        assert isinstance(caught.value, FileNotFoundError) == isinstance(raised, FileNotFoundError)


@pytest.mark.parametrize(
    ("facts", "version"),
    [
        ({"size": 3, "CRC": 7}, "3 7"),
        ({"size": 3, "modify": "20200101"}, "3 20200101"),
        ({"size": 3, "Last-Modified": "Mon"}, "3 Mon"),
        ({"size": 3, "sha": "ab"}, "3 ab"),
        ({"size": 3}, "3"),
        ({"size": None}, ""),
    ],
)
def test_each_storage_tells_versions_in_its_own_words(facts, version):
    assert version_of(facts) == version
