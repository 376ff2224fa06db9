"""What words on a command line name, and what outputs are called."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from difficmh_core.batch.addresses import without_secrets
from difficmh_core.batch.sources import Source, _expanded, find_sources, is_archive
from difficmh_core.errors import ConfigError

SUFFIXES = frozenset({".jpg", ".png"})


def names(words):
    return [source.name for source in find_sources([str(word) for word in words], SUFFIXES)]


def archive_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_a_folder_names_its_pictures_under_their_paths_below_it(folder):
    expected = ["a.PNG", "b.jpg", "odd [1]*.jpg", "deep/c.jpg", "deep/er/d.jpg"]
    assert names([folder]) == expected


def test_a_file_is_taken_whatever_its_suffix(folder):
    assert names([folder / "notes.txt"]) == ["notes.txt"]


def test_a_file_may_be_called_like_a_pattern(folder):
    (source,) = find_sources([str(folder / "odd [1]*.jpg")], SUFFIXES)
    assert source.read(100) == b"odd [1]*.jpg"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["b.jpg", "odd [1]*.jpg"]),
        ("**/*.jpg", ["b.jpg", "deep/c.jpg", "deep/er/d.jpg", "odd [1]*.jpg"]),
        ("deep/?.jpg", ["c.jpg"]),
        ("deep/**", ["c.jpg", "er/d.jpg"]),
        ("**/er/**/", ["deep/er/d.jpg"]),
        ("b**.jpg", ["b.jpg"]),
    ],
)
def test_a_pattern_names_what_it_matches_below_its_first_sign(folder, pattern, expected):
    assert names([folder / pattern]) == expected


def test_archives_are_numbered_by_braces_and_read_in_place(tmp_path):
    for number in (8, 9, 10):
        data = archive_of({f"{number}.jpg": bytes([number]) * 700, f"{number}.txt": b"no"})
        (tmp_path / f"shard-{number:03d}.tar").write_bytes(data)
    found = find_sources([str(tmp_path / "shard-{008..010}.tar")], SUFFIXES)
    assert [source.name for source in found] == ["8.jpg", "9.jpg", "10.jpg"]
    assert [source.read(1000) for source in found] == [bytes([n]) * 700 for n in (8, 9, 10)]
    assert found[0].read(10) == bytes([8]) * 10


def test_storage_is_read_like_folders(memory):
    for name in ("x/1.jpg", "x/y/2.jpg", "x/3.txt"):
        memory.pipe_file(f"/bucket/{name}", name.encode())
    memory.pipe_file("/bucket/s.tar", archive_of({"in/4.png": b"four"}))
    assert names(["memory://bucket/x"]) == ["1.jpg", "y/2.jpg"]
    assert names(["memory://bucket/x/*.jpg"]) == ["1.jpg"]
    assert names(["memory://bucket/x/3.txt"]) == ["3.txt"]
    (packed,) = find_sources(["memory://bucket/s.tar"], SUFFIXES)
    assert (packed.name, packed.read(100), packed.read(2)) == ("in/4.png", b"four", b"fo")


def test_of_an_archive_on_storage_no_more_is_read_than_the_photo(memory, monkeypatch):
    photos = {"a.jpg": b"a" * 5000, "b.jpg": b"", "c.jpg": b"c" * 3000}
    memory.pipe_file("/bucket/s.tar", archive_of(photos))
    first, empty, last = find_sources(["memory://bucket/s.tar"], SUFFIXES)
    asked = []

    def cat_file(self, path, start=None, end=None):
        asked.append(end - start)
        return original(self, path, start, end)

    original = type(memory).cat_file
    monkeypatch.setattr(type(memory), "cat_file", cat_file)
    monkeypatch.setattr(type(memory), "open", None)
    assert [each.read(4000) for each in (first, empty, last)] == [b"a" * 4000, b"", b"c" * 3000]
    assert asked == [4000, 3000]


@pytest.mark.parametrize(
    "word", ["none", "a-{0..1}.jpg", "s.tar", *(f"memory://x/{end}" for end in ("", "a.jpg"))]
)
def test_what_is_not_there_is_refused_in_words(tmp_path, memory, word):
    with pytest.raises(ConfigError, match=r"There is no file or folder '.*'\. Name one that"):
        names([word if "://" in word else tmp_path / word])
    with pytest.raises(ConfigError, match=r"There is no file or folder 'memory://x-00\.png'"):
        names(["memory://x-{00..01}.png"])


@pytest.mark.parametrize("word", ["empty", "none/*.jpg", "memory://nothing/*.jpg"])
def test_what_names_nothing_is_refused(tmp_path, word):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="names no file"):
        names([word if "://" in word else tmp_path / word])


def test_unknown_storage_and_damaged_archives_are_refused(tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(ConfigError, match="cannot be read"):
        names([tmp_path / "bad.tar"])
    with pytest.raises(ConfigError, match="cannot be reached"):
        names(["nowhere://bucket/photos"])


def test_a_source_has_another_version_when_it_was_replaced(tmp_path, memory):
    def version(word):
        (source,) = find_sources([str(word)], SUFFIXES)
        return source.version

    photo, archive = tmp_path / "a.jpg", tmp_path / "s.tar"
    words = [photo, tmp_path / "*.jpg", tmp_path, archive]
    words += [f"memory://bucket/{name}" for name in ("a.jpg", "*.jpg", "", "s.tar")]
    before = list[str]()
    for time_s, data in enumerate((b"old", b"new")):
        photo.write_bytes(data)
        memory.pipe_file("/bucket/a.jpg", data)
        archive.write_bytes(archive_of({"b.jpg": data}))
        memory.pipe_file("/bucket/s.tar", archive.read_bytes())
        for file in (photo, archive):
            os.utime(file, (time_s, time_s))
        assert not {version(word) for word in words} & set(before)
        before = [version(word) for word in words]
        assert before == [version(word) for word in words]
        assert all(before)
        assert len(set(before[:3])) == len(set(before[4:7])) == 1


def test_folders_behind_links_are_read_once_and_unreadable_ones_named(folder, monkeypatch):
    (folder / "deep" / "back").symlink_to(folder)
    elsewhere = folder.parent / f"{folder.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "z.jpg").write_bytes(b"z")
    (folder / "link").symlink_to(elsewhere)
    expected = ["a.PNG", "b.jpg", "odd [1]*.jpg", "deep/c.jpg", "deep/er/d.jpg", "link/z.jpg"]
    assert names([folder]) == expected

    def refuse(path):
        if path.name == "er":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match=r"er' cannot be read: Permission denied"):
        names([folder])


def test_what_a_run_keeps_is_no_input(folder):
    (folder / ".difficmh").mkdir()
    (folder / ".difficmh" / "part.jpg").write_bytes(b"")
    assert ".difficmh/part.jpg" not in names([folder])
    assert "part.jpg" not in names([folder / "**" / "*.jpg"])
    (folder / "empty").mkdir()
    (folder / "empty" / ".difficmh").mkdir()
    (folder / "empty" / ".difficmh" / "part.jpg").write_bytes(b"")
    with pytest.raises(ConfigError, match="names no file"):
        names([folder / "empty"])


def test_an_input_may_lie_below_a_folder_of_the_name_that_runs_keep(folder, memory):
    (folder / ".difficmh" / "x").mkdir(parents=True)
    (folder / ".difficmh" / "x" / "a.jpg").write_bytes(b"")
    memory.pipe_file("/.difficmh/x/a.jpg", b"a")
    for word in (folder / ".difficmh", "memory://.difficmh"):
        assert names([word]) == ["x/a.jpg"]
        assert names([f"{word}/*/*.jpg"]) == ["x/a.jpg"]
        assert names([f"{word}/x/a.jpg"]) == ["a.jpg"]
    (folder / ".difficmh" / "x" / "s.tar").write_bytes(archive_of({"b.jpg": b"b"}))
    assert names([folder / ".difficmh" / "x" / "s.tar"]) == ["b.jpg"]


def test_a_file_may_be_called_like_a_chain_of_addresses(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "aa::b.jpg").write_bytes(b"two colons")
    for words in (["aa::b.jpg"], ["*::*.jpg"], ["aa::b.jpg", "b.jpg"]):
        first, *_ = find_sources(words, SUFFIXES)
        assert first.read(100) == b"two colons"
        assert first.identity == str(folder / "aa::b.jpg")
    with pytest.raises(ConfigError, match="cannot be reached"):
        names(["aa::c.jpg"])


def test_braces_of_a_file_that_is_there_are_its_name(folder):
    (folder / "a{1..2}.jpg").write_bytes(b"one")
    assert names([folder / "a{1..2}.jpg"]) == ["a{1..2}.jpg"]
    with pytest.raises(ConfigError, match="rising range"):
        names([folder / "x{2..0}.jpg"])


def test_standard_input_comes_alone(folder):
    with pytest.raises(ConfigError, match="alone"):
        names(["-", folder / "b.jpg"])


def test_sparse_members_are_refused_for_their_bytes_lie_elsewhere(tmp_path):
    subprocess.run(["truncate", "-s", "1M", tmp_path / "hole.jpg"], check=True)
    packing = ["tar", "--sparse", "-C", tmp_path, "-cf", tmp_path / "s.tar", "hole.jpg"]
    subprocess.run(packing, check=True)
    with pytest.raises(ConfigError, match="sparsely"):
        names([tmp_path / "s.tar"])


def test_passwords_are_neither_shown_nor_kept():
    address = "sftp://ann:se:cret@host/photos/a.jpg"
    source = Source(name="a.jpg", address=address)
    member = Source(name="b.jpg", address=address, start=512, n_bytes=4)
    for told in (source.place, source.identity, member.place, member.identity):
        assert told.startswith("sftp://ann:***@host/photos/a.jpg")
    with pytest.raises(ConfigError, match=r"nowhere://ann:\*\*\*@host"):
        find_sources(["nowhere://ann:secret@host/photos"], frozenset({".jpg"}))
    assert without_secrets("s3://bucket/a:b@c.jpg") == "s3://bucket/a:b@c.jpg"
    assert without_secrets("zip://x::ftp://a@b:p@ss@h/x") == "zip://x::ftp://a@b:***@h/x"


def test_a_password_with_an_at_sign_is_hidden_whole():
    assert without_secrets("sftp://ann:se@cr@et@host/a@b") == "sftp://ann:***@host/a@b"


def test_braces_are_filled_up_as_in_a_shell():
    cases = {
        "{8..10}": "8 9 10",
        "{08..10}": "08 09 10",
        "{0..2}": "0 1 2",
        "{098..100}": "098 099 100",
    }
    for word, expected in cases.items():
        assert list(_expanded(word)) == expected.split()
    assert next(_expanded("{00..100}")) == "000"


def test_archives_are_named_by_patterns(tmp_path, memory):
    for number in (1, 2):
        data = archive_of({f"{number}.jpg": bytes([number]) * 700, f"{number}.txt": b"no"})
        (tmp_path / f"shard-{number}.tar").write_bytes(data)
        memory.pipe_file(f"/bucket/shard-{number}.tar", data)
    for word in (tmp_path / "shard-*.tar", tmp_path / "*", "memory://bucket/shard-*.tar"):
        found = find_sources([str(word)], SUFFIXES)
        assert [source.name for source in found] == ["1.jpg", "2.jpg"]
        assert [source.read(1) for source in found] == [b"\x01", b"\x02"]


def test_photos_that_links_in_an_archive_lead_to_are_photos(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jpg").write_bytes(b"a")
    os.link(tmp_path / "deep" / "a.jpg", tmp_path / "deep" / "b.jpg")
    (tmp_path / "c.jpg").symlink_to("deep/a.jpg")
    (tmp_path / "deep" / "d.jpg").symlink_to("../c.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "out.jpg").symlink_to("/etc/hostname")
    (tmp_path / "folder.jpg").symlink_to("deep")
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        archive.add(
            tmp_path, arcname=".", filter=lambda each: None if "s.tar" in each.name else each
        )
    found = find_sources([str(tmp_path / "s.tar")], SUFFIXES)
    names = ["./c.jpg", "./deep/a.jpg", "./deep/b.jpg", "./deep/d.jpg"]
    assert sorted(source.name for source in found) == names
    assert {source.read(10) for source in found} == {b"a"}


SIGNED = "https://bucket.host/photos/a.jpg?X-Credential=AK/2020/s3&X-Signature=secret.x"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (SIGNED, "https://bucket.host/photos/a.jpg?***"),
        ("https://token@host/a.jpg", "https://***@host/a.jpg"),
        ("https://ann:secret@host/a.jpg?sig=secret", "https://ann:***@host/a.jpg?***"),
        ("zip://a.jpg::https://host/x.zip?sig=secret", "zip://a.jpg::https://host/x.zip?***"),
        ("s3://bucket/a?.jpg", "s3://bucket/a?.jpg"),
        ("sftp://ann@host/a.jpg", "sftp://ann@host/a.jpg"),
    ],
)
def test_what_opens_an_address_is_neither_shown_nor_kept(address, shown):
    source = Source(name="a.jpg", address=address)
    assert source.place == source.identity == shown
    error = f"403, url='{address}' as told by {address} here"
    assert without_secrets(error) == f"403, url='{shown}' as told by {shown} here"


def test_an_archive_that_a_signed_address_names_is_one():
    assert is_archive("https://host/s.tar?sig=secret")
    assert not is_archive("https://host/s.jpg?name=s.tar")
    assert not is_archive("what?.tar.jpg")
