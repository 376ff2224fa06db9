"""The journal of a run: what it keeps, merges, and never loses."""

import json
from dataclasses import replace

import pytest

from difficmh_core.batch import journal as module
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target

SETTINGS = {"quality": 50}


@pytest.fixture(params=["folder", "memory://bucket/out"])
def target(request, tmp_path, memory):
    return Target(str(tmp_path / "out") if request.param == "folder" else request.param)


@pytest.fixture(autouse=True)
def one_record_each(monkeypatch):
    """Parts are as small as they get after a minute of slow work."""
    monkeypatch.setattr(module, "_MOST_RECORDS", 1)


def source(name):
    return Source(name=name, address=f"memory://in/{name}")


def record(name, n_bytes=7):
    return {"name": name, "source": source(name).identity, "n_bytes": n_bytes}


def parts(target):
    return sorted(target.sizes(".difficmh"))


def is_done(journal, name, n_bytes=7):
    return journal.is_done(name, source(name), n_bytes)


def killed_run(target, names, settings=SETTINGS):
    """A run that ends without a word after these files."""
    journal = Journal(target, settings)
    for name in names:
        journal.add(record(name))
    return journal


def names_in(journal):
    return sorted(each["name"] for some in journal.records() for each in some)


NAMES = [f"{number:03d}" for number in range(30)]


def test_a_run_ends_with_one_part(target):
    journal = killed_run(target, NAMES)
    assert len(parts(target)) == len(NAMES)
    journal.close()
    assert len(parts(target)) == 1
    again = Journal(target, SETTINGS)
    assert all(is_done(again, name) for name in NAMES)
    assert names_in(again) == NAMES


def test_the_next_run_merges_what_a_killed_one_left(target):
    killed_run(target, NAMES)
    journal = Journal(target, SETTINGS)
    assert len(parts(target)) == 1
    assert all(is_done(journal, name) for name in NAMES)


def test_few_parts_are_left_alone(target):
    killed_run(target, NAMES[:8]).close()
    assert len(parts(target)) == 8


def test_a_run_killed_between_writing_and_removing_loses_nothing(target, monkeypatch):
    journal = killed_run(target, NAMES)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Target, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            journal._merge()
    assert len(parts(target)) == len(NAMES) + 1
    again = Journal(target, SETTINGS)
    assert all(is_done(again, name) for name in NAMES)
    assert names_in(again) == NAMES
    assert len(parts(target)) == 1


def test_a_run_killed_while_it_writes_the_merged_part_loses_nothing(target, monkeypatch):
    journal = killed_run(target, NAMES)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Target, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            journal._merge()
    assert len(parts(target)) == len(NAMES)
    assert names_in(Journal(target, SETTINGS)) == NAMES


def test_two_runs_at_once_lose_nothing_whoever_merges(target):
    first = killed_run(target, NAMES[:10])
    second = killed_run(target, NAMES[10:20])
    first.close()  # merges what the second one wrote, too
    second.add(record(NAMES[20]))
    second.close()
    assert names_in(first) == NAMES[:21]
    assert names_in(Journal(target, SETTINGS)) == NAMES[:21]


@pytest.mark.parametrize("moment", ["before it reads", "before it writes", "before it removes"])
def test_two_runs_that_merge_at_the_same_time_lose_nothing(target, monkeypatch, moment):
    first, second = killed_run(target, NAMES[:15]), killed_run(target, NAMES[15:])
    function = {"before it reads": "read", "before it writes": "write"}.get(moment, "remove")
    original, has_begun = getattr(Target, function), []

    def interrupted(self, name, *data):
        if not has_begun:
            has_begun.append(name)
            second._merge()
            second.add(record("late"))
        return original(self, name, *data)

    monkeypatch.setattr(Target, function, interrupted)
    first._merge()
    assert has_begun
    assert names_in(Journal(target, SETTINGS)) == [*NAMES, "late"]


def test_a_table_is_whole_though_another_run_merges_meanwhile(target):
    journal, other = killed_run(target, NAMES[:15]), killed_run(target, NAMES[15:])
    found = journal.records()
    names = [each["name"] for each in next(found)]
    other._merge()
    names += [each["name"] for some in found for each in some]
    assert sorted(names) == NAMES


def test_the_later_record_counts_wherever_it_stands(target, monkeypatch):
    early, late = Journal(target, SETTINGS), Journal(target, {"quality": 90})
    late.add(record("x", 1))
    early.add(record("x", 2))  # the run that began first wrote the file last
    for name in NAMES:
        late.add(record(name))
    late.close()
    assert is_done(Journal(target, SETTINGS), "x", 2)
    assert not is_done(Journal(target, {"quality": 90}), "x", 1)
    assert is_done(Journal(target, {"quality": 90}), NAMES[0])
    monkeypatch.setattr(module.time, "time_ns", lambda: 5)  # a clock that was put back
    killed_run(target, ["x"])
    assert is_done(Journal(target, SETTINGS), "x", 7)


def test_what_a_killed_run_was_about_to_write_counts_no_more_and_is_known(target):
    killed_run(target, NAMES).close()
    killed = Journal(target, {"quality": 90})
    killed.begin({*NAMES[:5], "new"})
    killed.add(record(NAMES[0]))
    assert len(parts(target)) == 3
    for _ in range(2):
        journal = Journal(target, SETTINGS)
        assert [is_done(journal, name) for name in NAMES] == [False] * 5 + [True] * 25
        assert (journal.is_known("new"), journal.is_known("other")) == (True, False)
        killed_run(target, [f"more {name}" for name in NAMES]).close()  # merges all
        assert len(parts(target)) == 1
    journal.begin(NAMES[:5])
    for name in NAMES[:5]:
        journal.add(record(name))
    journal.close()
    again = Journal(target, SETTINGS)
    assert all(is_done(again, name) for name in NAMES)
    assert names_in(again) == sorted([*NAMES, *(f"more {name}" for name in NAMES)])


def test_a_run_notes_what_it_begins_in_one_part_however_much_it_is(target):
    names = [f"{number}\udcff" for number in range(2500)]
    Journal(target, SETTINGS).begin(names)
    assert len(parts(target)) == 1
    journal = Journal(target, SETTINGS)
    assert all(map(journal.is_known, names))


def test_a_source_of_another_version_is_not_done_and_old_records_tell_none(target):
    journal = Journal(target, SETTINGS)
    journal.add({**record("a"), "source_version": "7 x"})
    journal.add(record("b"))
    again = Journal(target, SETTINGS)
    found = {
        (name, version): again.is_done(name, replace(source(name), version=version), 7)
        for name in "ab"
        for version in ("7 x", "7 y")
    }
    assert found == {
        ("a", "7 x"): True,
        ("a", "7 y"): False,
        ("b", "7 x"): True,
        ("b", "7 y"): True,
    }


def test_large_parts_are_not_written_again(target, monkeypatch):
    monkeypatch.setattr(module, "_MOST_MERGED", 20)
    killed_run(target, NAMES).close()
    merged = parts(target)
    assert 2 <= len(merged) <= 4
    assert names_in(Journal(target, SETTINGS)) == NAMES
    killed_run(target, [f"more {name}" for name in NAMES[:12]]).close()
    assert len(set(parts(target)) & set(merged)) >= 1
    assert len(names_in(Journal(target, SETTINGS))) == len(NAMES) + 12


def test_parts_of_earlier_versions_and_damaged_lines_are_read(target):
    lines = [
        *({"settings": SETTINGS}, record("a"), {"settings": {"quality": 1}}, record("b")),
        *({**record("c"), "finished_ns": "soon"}, {**record("d"), "n_bytes": "many"}, ["e"]),
    ]
    data = "".join(f"{json.dumps(line)}\n" for line in lines) + '{"name": "f", "sou'
    target.write(".difficmh/00000000000000000001-000000.jsonl", data.encode())
    assert names_in(Journal(target, SETTINGS)) == ["a", "b", "c"]
    killed_run(target, NAMES)
    journal = Journal(target, SETTINGS)
    assert len(parts(target)) == 1
    assert (is_done(journal, "a"), is_done(journal, "b")) == (True, False)
    assert is_done(Journal(target, {"quality": 1}), "b")


def test_old_parts_that_cannot_be_removed_are_told_of(target, monkeypatch, caplog):
    journal = killed_run(target, NAMES)

    def refuse(*_):
        raise PermissionError(13, "Access Denied")

    with monkeypatch.context() as patch:
        patch.setattr(Target, "remove", refuse)
        journal._merge()
    assert "cannot be removed" in caplog.text
    assert names_in(Journal(target, SETTINGS)) == NAMES
