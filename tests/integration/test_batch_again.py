"""A run where another one has been: what is left as it is, and what is made anew."""

import json
import os
import time
import zipfile

import pytest

from difficmh_core.batch.run import run
from difficmh_core.batch.sources import find_sources
from difficmh_core.batch.targets import Target, output_names
from difficmh_core.errors import ConfigError
from tests.integration.test_batch import EXPECTED, PROGRAM, Reversing, do, kill, outputs, start


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_killed_run_with_other_settings_wrote_is_not_taken_for_done(inputs, tmp_path, jobs):
    out, program = tmp_path / "out", tmp_path / "program.py"
    do(Reversing(mark="a"), inputs, out)
    before = outputs(out)
    program.write_text(PROGRAM.replace("delay_s=0.3", 'delay_s=0.3, mark="b"'))
    running = start(program, inputs, out, jobs)
    while outputs(out) == before:
        assert running.poll() is None
        time.sleep(0.02)
    kill(running)
    assert not any(outcome.was_done for outcome in do(Reversing(mark="a"), inputs, out))
    assert outputs(out) == before
    assert len(list((out / ".difficmh").iterdir())) == 3  # no names are left of the last run
    assert all(outcome.was_done for outcome in do(Reversing(mark="a"), inputs, out))


def test_an_input_that_was_replaced_is_worked_on_anew(inputs, tmp_path):
    out = tmp_path / "out"
    do(Reversing(), inputs, out)
    changed = inputs / "sub" / "0.in"
    changed.write_bytes(b"elif 0")
    os.utime(changed, (1, 1))
    again = do(Reversing(), inputs, out)
    assert [outcome.name for outcome in again if not outcome.was_done] == ["sub/0.out"]
    assert outputs(out)["sub/0.out"] == b"0 file"
    assert all(outcome.was_done for outcome in do(Reversing(), inputs, out))


def test_files_that_no_run_made_are_not_replaced_unless_it_is_said(inputs, tmp_path):
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    for number in range(5):
        (out / "sub" / f"{number}.out").write_bytes(b"mine")
    before = outputs(out)
    with pytest.raises(ConfigError, match=r"no run made .* 'sub/2.out' and 2 more.*--overwrite"):
        do(Reversing(), inputs, out)
    assert outputs(out) == before
    do(Reversing(), inputs, out, overwrite=True)
    assert outputs(out) == EXPECTED


def test_a_list_that_no_run_made_is_not_replaced_unless_it_is_said(inputs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("failures.jsonl", "files.parquet"):
        (out / name).write_bytes(b"mine")
        with pytest.raises(ConfigError, match=rf"no run made would be replaced: '{name}'"):
            do(Reversing(), inputs, out)
        assert outputs(out) == {name: b"mine"}
        (out / name).unlink()
    do(Reversing(), inputs, out)
    (out / "files.parquet").write_bytes(b"of that run")
    do(Reversing(), inputs, out)


def test_files_behind_a_link_are_neither_made_twice_nor_replaced(inputs, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "sub").symlink_to(elsewhere)
    do(Reversing(), inputs, out)
    assert all(outcome.was_done for outcome in do(Reversing(), inputs, out))
    (elsewhere / "new.out").write_bytes(b"mine")
    (inputs / "sub" / "new.in").write_bytes(b"new")
    with pytest.raises(ConfigError, match=r"replaced: 'sub/new\.out'"):
        do(Reversing(), inputs, out)


def test_photos_in_a_zip_file_that_was_replaced_are_worked_on_anew(tmp_path):
    packed, out = tmp_path / "x.zip", tmp_path / "out"
    for data in (b"old", b"new"):
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.in", data)
        do(Reversing(), f"zip://::{packed}", out)
        assert outputs(out) == {"a.out": data[::-1]}


def test_where_names_are_told_apart_otherwise_what_is_done_is_known(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.batch.targets._FOLDS_CASE", True)
    out = tmp_path / "out"
    (inputs / "caf\u00e9.in").write_bytes(b"coffee")
    do(Reversing(), inputs, out)
    (out / "caf\u00e9.out").rename(out / "cafe\u0301.out")  # as HFS+ lists it
    assert all(outcome.was_done for outcome in do(Reversing(), inputs, out))


def test_where_names_ignore_case_no_file_of_another_case_is_replaced(
    inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr("difficmh_core.batch.targets._FOLDS_CASE", True)
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub" / "0.OUT").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"replaced: 'sub/0.OUT'\."):
        do(Reversing(), inputs, out)


def test_a_run_that_was_interrupted_keeps_the_failures_that_it_did_not_try_again(inputs, tmp_path):
    out = tmp_path / "out"
    for name in ("a.in", "b.in"):
        (inputs / "sub" / name).write_bytes(b"bad")
    do(Reversing(), inputs, out)
    list_before = (out / "failures.jsonl").read_bytes()
    (inputs / "a first one.in").write_bytes(b"good")
    work = Reversing(delay_s=0.3, n_threads=1)
    sources = output_names(find_sources([str(inputs)], work.suffixes), work.suffix)
    outcomes = run(work, sources, Target(str(out)))
    assert next(each for each in outcomes if not each.was_done).name == "a first one.out"
    outcomes.close()
    assert (out / "failures.jsonl").read_bytes() == list_before
    (inputs / "sub" / "a.in").write_bytes(b"good")
    do(Reversing(), inputs, out)
    (failure,) = (out / "failures.jsonl").read_text().splitlines()
    assert json.loads(failure)["name"] == "sub/b.out"
