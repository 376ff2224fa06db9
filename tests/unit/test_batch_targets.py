"""What outputs are called, where they may lie, and how they are written."""

import os

import pytest

from difficmh_core.batch import targets
from difficmh_core.batch.processes import InProcesses
from difficmh_core.batch.sources import Source, find_sources
from difficmh_core.batch.targets import Target, check_apart, output_names, refusal_of
from difficmh_core.errors import ConfigError

SUFFIXES = frozenset({".jpg", ".png"})


def test_outputs_keep_the_structure_and_never_share_a_name():
    first, second = (Source(name=name, address=name) for name in ("x/a.jpg", "x/b.c.png"))
    found = output_names([first, second], ".dicmh")
    assert found == {"x/a.dicmh": first, "x/b.c.dicmh": second}
    with pytest.raises(ConfigError, match="would both be written"):
        output_names([first, Source(name="x/a.png", address="other")], ".dicmh")


def test_an_output_is_never_a_folder_of_another():
    found = [Source(name=name, address=name) for name in ("x/a.png", "x/a.dicmh/y/b.png")]
    for order in (found, found[::-1]):
        with pytest.raises(ConfigError, match=r"'x/a.dicmh', which is a folder for"):
            output_names(order, ".dicmh")


@pytest.mark.parametrize(
    "name",
    [
        *("../a.jpg", "/etc/a.jpg", "x/../../a.jpg", "a\0.jpg", "C:/a.jpg", "C:\\a.jpg"),
        *("failures.jsonl/a.jpg", ".difficmh/a.jpg", "files.parquet/x/a.jpg"),
    ],
)
def test_a_name_that_does_harm_is_refused(name):
    assert refusal_of(name)


@pytest.mark.parametrize(
    "name", ["a.jpg", "x/a..jpg", "x/...jpg", "12:30.jpg", "a\\b.jpg", "failures.jpg"]
)
def test_a_plain_name_is_let_be(name):
    assert refusal_of(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("12:30.jpg", "x/a?.jpg", "d:a.jpg", "x./a.jpg", "x/a.jpg ", "x\ta.jpg", "nul"),
        *("x/CON.jpg", "com1.tar.jpg", "lpt9 .jpg", "prn/a.jpg"),
    ],
)
def test_what_windows_takes_for_no_file_is_refused_there(name, monkeypatch):
    assert refusal_of(name) is None
    monkeypatch.setattr(targets, "_IS_WINDOWS", True)
    assert refusal_of(name) == "Windows takes no file of that name."


@pytest.mark.parametrize("name", ["a b.jpg", "x/.a.jpg", "com.jpg", "console.jpg", "é/ñ.jpg"])
def test_windows_takes_other_names(name, monkeypatch):
    monkeypatch.setattr(targets, "_IS_WINDOWS", True)
    assert refusal_of(name) is None


def test_names_that_a_file_system_takes_for_one_are_told_apart_elsewhere(monkeypatch):
    pairs = [("A.jpg", "a.png"), ("caf\u00e9.jpg", "cafe\u0301.jpg")]
    for pair in pairs:
        sources = [Source(name=name, address=name) for name in pair]
        monkeypatch.setattr(targets, "_FOLDS_CASE", False)
        assert len(output_names(sources, ".dicmh")) == 2
        monkeypatch.setattr(targets, "_FOLDS_CASE", True)
        with pytest.raises(ConfigError, match="would both be written"):
            output_names(sources, ".dicmh")


def apart(word, target, suffix=".dicmh"):
    sources = output_names(find_sources([str(word)], SUFFIXES), suffix)
    check_apart([str(word)], sources, Target(str(target)))


def test_outputs_below_an_input_are_refused(folder):
    here = f"file://{folder}/out"
    for target in (folder, folder / "out", folder / ".." / folder.name / "x", here):
        with pytest.raises(ConfigError, match="lies in the input"):
            apart(folder, target)
    apart(folder, folder.parent / f"{folder.name}2")
    with pytest.raises(ConfigError, match="lies in the input"):
        apart(folder / "**" / "*", folder / "out")
    apart(folder / "**" / "*.jpg", folder / "out")


def test_outputs_on_storage_below_an_input_are_refused(memory):
    memory.pipe_file("/bucket/photos/a.jpg", b"a")
    with pytest.raises(ConfigError, match="lies in the input"):
        apart("memory://bucket/photos", "memory://bucket/photos/out")
    apart("memory://bucket/photos", "memory://bucket/photos2")


def test_an_output_never_replaces_an_input(folder):
    (folder / "photo.dicmh").write_bytes(b"a picture by another name")
    with pytest.raises(ConfigError, match="is an input"):
        apart(folder / "photo.dicmh", folder)


@pytest.mark.parametrize("where", ["folder", "memory://bucket/out"])
def test_a_target_is_written_read_listed_and_cleared(tmp_path, memory, where):
    target = Target(str(tmp_path / where) if where == "folder" else where)
    assert target.sizes() == {}
    target.write("x/a.dicmh", b"abc")
    target.write("x/a.dicmh", b"abcd")
    assert target.read("x/a.dicmh") == b"abcd"
    assert target.sizes() == {"x/a.dicmh": 4}
    assert target.sizes("x") == {"a.dicmh": 4}
    target.remove("x/a.dicmh")
    target.remove("x/a.dicmh")
    assert target.sizes() == {}


def test_names_that_are_kept_are_kept_in_any_case_where_case_is_ignored(monkeypatch):
    assert refusal_of(".DIFFICMH/x.png") is None
    monkeypatch.setattr(targets, "_FOLDS_CASE", True)
    for name in (".DIFFICMH/x.png", "Failures.JSONL/x.png"):
        assert "is kept" in refusal_of(name)


def test_more_processes_than_windows_takes_are_refused_there(monkeypatch):
    assert InProcesses(62).jobs == 62
    monkeypatch.setattr("difficmh_core.batch.processes._MOST_JOBS", 61)
    assert InProcesses(61).jobs == 61
    with pytest.raises(ConfigError, match="Windows takes at most 61"):
        InProcesses(62)


@pytest.mark.parametrize("word", ["{}/*", "{}/../{name}/*", "{}/**", "./{name}/*", "{}-link/*"])
@pytest.mark.parametrize("target", ["{}", "./{name}", "{}-link"])
def test_a_pattern_that_would_match_outputs_is_refused_however_both_are_named(
    folder, monkeypatch, word, target
):
    (folder.parent / f"{folder.name}-link").symlink_to(folder)
    monkeypatch.chdir(folder.parent)
    with pytest.raises(ConfigError, match="lies in the input"):
        apart(word.format(folder, name=folder.name), target.format(folder, name=folder.name))


def test_a_pattern_of_one_folder_leaves_those_below_free(folder):
    for word in (folder / "*", folder / "[ab]*"):
        apart(word, folder / "new")
    apart(folder / "b*", folder.parent / "new")


def test_an_output_behind_a_link_never_replaces_an_input(folder):
    (folder / "photo.dicmh").write_bytes(b"a picture by another name")
    link = folder.parent / f"{folder.name}-link"
    link.symlink_to(folder)
    for word, target in ((folder, link), (link, folder)):
        with pytest.raises(ConfigError, match="is an input"):
            apart(word / "photo.dicmh", target)


def test_files_in_folders_behind_links_are_listed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.dicmh").write_bytes(b"abc")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out" / "round").symlink_to(tmp_path / "out")
    assert Target(str(tmp_path / "out")).sizes() == {"sub/a.dicmh": 3}


def test_windows_takes_both_slashes_for_one(monkeypatch):
    pairs = [("x\\a.jpg", "x/a.png"), ("x/a.png", "x\\a.dicmh\\b.png")]
    for pair in pairs:
        sources = [Source(name=name, address=name) for name in pair]
        assert len(output_names(sources, ".dicmh")) == 2
        with monkeypatch.context() as patch:
            patch.setattr(targets, "_IS_WINDOWS", True)
            with pytest.raises(ConfigError, match=r"would .*be written"):
                output_names(sources, ".dicmh")


def test_an_old_hidden_file_that_only_looks_like_a_part_stays(tmp_path):
    (tmp_path / ".holiday-in-spain.part").write_bytes(b"mine")
    os.utime(tmp_path / ".holiday-in-spain.part", (1, 1))
    assert Target(str(tmp_path)).sizes() == {".holiday-in-spain.part": 4}


def test_what_a_package_says_of_an_output_is_an_error_of_the_system(memory, monkeypatch):
    class ConnectionLostError(Exception):
        """As packages have them."""

    def refuse(*_, **__):
        raise ConnectionLostError("https://host/out?sig=secret is closed")

    for name in ("isfile", "isdir", "pipe_file", "cat_file", "exists"):
        monkeypatch.setattr(type(memory), name, refuse)
    target = Target("memory://bucket/out")
    calls = (
        target.check_folder,
        target.sizes,
        lambda: target.write("a", b""),
        lambda: target.read("a"),
        lambda: target.remove("a"),
    )
    for call in calls:
        with pytest.raises(
            OSError, match=r"^ConnectionLostError: https://host/out\?\*\*\* is closed$"
        ):
            call()
