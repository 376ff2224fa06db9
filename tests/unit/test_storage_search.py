"""Files on storage, and addresses that lead to them from anywhere."""

import pickle
import zipfile

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from difficmh_core.batch.sources import find_sources, storage_of
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
