"""Files on storage: whole or not at all, where the storage writes in place but can rename."""

import time

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from difficmh_core.batch.sources import find_sources
from difficmh_core.batch.storage_writing import has_rename, part_age_s
from difficmh_core.batch.targets import Target


class InPlace(MemoryFileSystem):
    """Storage that shows a file while it is written, as a server of SFTP does."""

    protocol = "inplace"
    store = {}  # noqa: RUF012 (as its parent has it)
    pseudo_dirs = [""]  # noqa: RUF012
    breaks = False
    onto_others = "replaces"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("inplace://", "memory://"))

    def pipe_file(self, path, value, mode="overwrite", **settings):
        super().pipe_file(path, value[: len(value) // 2])
        if self.breaks:
            raise ConnectionResetError("The connection was lost.")
        super().pipe_file(path, value)

    def mv(self, path1, path2, **settings):
        if self.exists(path2) and self.onto_others == "refuses":
            raise FileExistsError(path2)
        if self.exists(path2) and self.onto_others == "says nothing":
            return
        self.store[self._strip_protocol(path2)] = self.store.pop(self._strip_protocol(path1))


fsspec.register_implementation("inplace", InPlace, clobber=True)


@pytest.fixture
def storage(monkeypatch):
    yield fsspec.filesystem("inplace")
    InPlace.store.clear()
    InPlace.pseudo_dirs[:] = [""]


@pytest.fixture
def target():
    return Target("inplace://share/out")


@pytest.mark.parametrize("onto_others", ["replaces", "refuses", "says nothing"])
def test_a_file_is_renamed_when_it_is_whole(storage, target, monkeypatch, onto_others):
    monkeypatch.setattr(InPlace, "onto_others", onto_others)
    for data in (b"first", b"second"):
        target.write("x/a.dicmh", data)
        assert storage.find("/share/out") == ["/share/out/x/a.dicmh"]
        assert target.read("x/a.dicmh") == data


def test_a_connection_that_breaks_leaves_the_old_file_and_nothing_else(
    storage, target, monkeypatch
):
    target.write("x/a.dicmh", b"first")
    monkeypatch.setattr(InPlace, "breaks", True)
    for name in ("x/a.dicmh", "x/b.dicmh"):
        with pytest.raises(ConnectionResetError):
            target.write(name, b"second")
    assert target.sizes() == {"x/a.dicmh": 5}
    assert storage.find("/share/out") == ["/share/out/x/a.dicmh"]
    assert target.read("x/a.dicmh") == b"first"


def test_what_a_killed_run_left_is_no_file_and_goes_after_an_hour(storage, target, monkeypatch):
    def killed(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(InPlace, "mv", killed)
        patch.setattr(InPlace, "rm_file", killed)
        with pytest.raises(SystemExit):
            target.write("x/a.dicmh", b"half")
    (part,) = storage.find("/share/out")
    assert part_age_s(part) < 60
    assert target.sizes() == {}
    assert storage.find("/share/out") == [part]
    late = time.time() + 3700
    monkeypatch.setattr(time, "time", lambda: late)
    assert target.sizes("x") == {}
    assert storage.find("/share/out") == []


def test_a_photo_may_be_called_like_anything_but_a_part():
    assert part_age_s("x/.0123456789ab-01234567.part") is not None
    assert part_age_s("x/0123456789ab-01234567.part") is None
    assert part_age_s("part") is None


def test_storage_that_only_copies_is_written_to_directly():
    assert not has_rename(fsspec.filesystem("memory"))
    assert has_rename(fsspec.filesystem("inplace"))


def test_an_address_of_this_machine_is_a_path(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"a")
    target = Target(f"file://{tmp_path}/out")
    assert target.address == f"{tmp_path}/out"
    target.write("a.dicmh", b"abc")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.dicmh"]
    (source,) = find_sources([f"file://{tmp_path}/in"], frozenset({".jpg"}))
    assert source.identity == str(tmp_path / "in" / "a.jpg")
