"""Many files in one run: what is written, skipped, tried again and reported."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

import pytest

from difficmh_core._support.atomic_files import is_part
from difficmh_core.batch.cluster import _RayWorker
from difficmh_core.batch.processes import InProcesses
from difficmh_core.batch.run import Outcome, in_this_process, run
from difficmh_core.batch.sources import find_sources
from difficmh_core.batch.targets import Target, output_names
from difficmh_core.batch.work import Product
from difficmh_core.errors import BackendUnavailableError, ConfigError, ImageError
from tests.documents import ROOT

N_PHOTOS = 6
"""Files of the fixture ``inputs``."""


@dataclass(frozen=True, kw_only=True)
class Reversing:
    """Work that takes no networks: each file's bytes from the last to the first."""

    mark: str = ""
    suffix: str = ".out"
    suffixes: frozenset[str] = frozenset({".in"})
    most_bytes: int = 1 << 20
    delay_s: float = field(default=0.0)
    n_threads: int = 2

    def at(self, number):
        return self

    def settings(self):
        return {"mark": self.mark}

    def load(self):
        return self.reverse

    def reverse(self, data):
        time.sleep(self.delay_s)
        if data == b"bad":
            raise ImageError("The picture is bad.")
        if data == b"defect":
            raise ZeroDivisionError("oh")
        if data == b"kill":
            os._exit(7)
        return Product(data[::-1] + self.mark.encode(), {"bpp": 1.0})


def do(work, folder, out, jobs=1, **options):
    sources = output_names(find_sources([str(folder)], work.suffixes), work.suffix)
    if jobs > 1:
        options["execute"] = InProcesses(jobs)
    return list(run(work, sources, Target(str(out)), **options))


def outputs(out):
    """The files of a run; what a killed process had not yet given its name is none."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and ".difficmh" not in path.parts and not is_part(path)
    }


EXPECTED = {f"sub/{n}.out": f"file {n}".encode()[::-1] for n in range(N_PHOTOS)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bad_file_stops_no_other(inputs, tmp_path, jobs, caplog):
    (inputs / "a.in").write_bytes(b"bad")
    (inputs / "b.in").write_bytes(b"defect")
    out = tmp_path / "out"
    outcomes = do(Reversing(), inputs, out, jobs=jobs)
    reasons = {outcome.name: outcome.reason for outcome in outcomes if outcome.reason}
    assert reasons == {
        "a.out": "The picture is bad.",
        "b.out": "unexpected ZeroDivisionError: oh",
    }
    assert len(outcomes) == N_PHOTOS + 2
    written = outputs(out)
    failures = [json.loads(line) for line in written.pop("failures.jsonl").splitlines()]
    assert {line["name"]: line["reason"] for line in failures} == reasons
    assert written == EXPECTED
    if jobs == 1:
        assert "ZeroDivisionError" in caplog.text


def test_what_is_done_is_skipped_unless_it_is_to_be_overwritten(inputs, tmp_path):
    out = tmp_path / "out"
    do(Reversing(), inputs, out)
    (out / "sub" / "0.out").unlink()
    (out / "sub" / "1.out").write_bytes(b"cut")
    again = do(Reversing(), inputs, out)
    assert {o.name for o in again if not o.was_done} == {"sub/0.out", "sub/1.out"}
    assert outputs(out) == EXPECTED
    assert all(o.was_done for o in do(Reversing(), inputs, out))
    assert not any(o.was_done for o in do(Reversing(), inputs, out, overwrite=True))


def test_other_settings_make_all_files_anew(inputs, tmp_path):
    out = tmp_path / "out"
    do(Reversing(), inputs, out)
    assert not any(o.was_done for o in do(Reversing(mark="!"), inputs, out))
    assert all(data.endswith(b"!") for data in outputs(out).values())


def test_a_failure_that_was_mended_leaves_the_list(inputs, tmp_path):
    out = tmp_path / "out"
    (inputs / "a.in").write_bytes(b"bad")
    do(Reversing(), inputs, out)
    assert (out / "failures.jsonl").exists()
    (inputs / "a.in").write_bytes(b"good")
    assert [o.name for o in do(Reversing(), inputs, out) if not o.was_done] == ["a.out"]
    assert not (out / "failures.jsonl").exists()


def test_a_process_that_dies_fails_its_own_file_only(inputs, tmp_path):
    (inputs / "sub" / "1x.in").write_bytes(b"kill")
    out = tmp_path / "out"
    outcomes = do(Reversing(), inputs, out, jobs=2)
    (failed,) = [outcome for outcome in outcomes if outcome.reason]
    assert failed.name == "sub/1x.out"
    assert failed.reason == "The process that worked on it ended, twice."
    written = outputs(out)
    written.pop("failures.jsonl")
    assert written == EXPECTED


def test_a_slow_consumer_loses_nothing_when_a_process_dies(inputs, tmp_path):
    for number in range(20):
        (inputs / f"more {number}.in").write_bytes(b"kill" if number == 3 else b"more")
    work = Reversing()
    sources = output_names(find_sources([str(inputs)], work.suffixes), work.suffix)
    outcomes = list[Outcome]()
    for outcome in run(work, sources, Target(str(tmp_path / "out")), execute=InProcesses(2)):
        outcomes.append(outcome)
        time.sleep(0.3 if len(outcomes) < 5 else 0)
    assert sorted(outcome.name for outcome in outcomes) == sorted(sources)
    assert [o.name for o in outcomes if o.reason] == ["more 3.out"]


@dataclass(frozen=True, kw_only=True)
class NotThere(Reversing):
    """Work whose networks cannot be loaded."""

    def load(self):
        raise BackendUnavailableError("The weights are absent.")


@dataclass(frozen=True, kw_only=True)
class DyingAtOnce(Reversing):
    """Work whose networks take the process with them."""

    def load(self):
        os._exit(9)


def test_processes_that_end_before_they_work_end_the_run(inputs, tmp_path):
    with pytest.raises(BackendUnavailableError, match="end before they take a file"):
        do(DyingAtOnce(), inputs, tmp_path / "out", jobs=2)


@dataclass(frozen=True, kw_only=True)
class InPairs(Reversing):
    """Work that only goes on when a worker has two files in hand."""

    def load(self):
        barrier = threading.Barrier(2, timeout=30)

        def reverse(data):
            barrier.wait()
            return self.reverse(data)

        return reverse


def by_a_worker_of_ray(work, target, todo, begin):
    begin()
    items = [json.dumps([name, asdict(source)]) for name, source in todo.items()]
    for outcome in _RayWorker(work, target)({"item": items})["outcome"]:
        yield Outcome(**json.loads(outcome))


@pytest.mark.parametrize("execute", [in_this_process, InProcesses(1), by_a_worker_of_ray])
def test_a_worker_has_several_files_in_hand(inputs, tmp_path, execute):
    outcomes = do(InPairs(), inputs, tmp_path / "out", execute=execute)
    assert [outcome.reason for outcome in outcomes] == [None] * N_PHOTOS
    assert outputs(tmp_path / "out") == EXPECTED


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_consumer_that_has_had_enough_waits_for_little_more(inputs, tmp_path, jobs):
    work, out = Reversing(delay_s=0.5), tmp_path / "out"
    sources = output_names(find_sources([str(inputs)], work.suffixes), work.suffix)
    execute = in_this_process if jobs == 1 else InProcesses(jobs)
    outcomes = run(work, sources, Target(str(out)), execute=execute)
    first = next(outcomes)
    outcomes.close()
    assert first.name in outputs(out)
    assert len(outputs(out)) < N_PHOTOS
    again = do(work, inputs, out)
    assert [outcome.name for outcome in again if outcome.was_done] == [first.name]
    assert outputs(out) == EXPECTED


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_cannot_be_loaded_ends_the_run_in_its_words_and_the_old_list_stays(
    inputs, tmp_path, jobs
):
    out = tmp_path / "out"
    (inputs / "a.in").write_bytes(b"bad")
    do(Reversing(), inputs, out)
    with pytest.raises(BackendUnavailableError, match="The weights are absent"):
        do(NotThere(), inputs, out, jobs=jobs, overwrite=True)
    assert (out / "failures.jsonl").exists()
    again = do(Reversing(), inputs, out)
    assert [outcome.name for outcome in again if not outcome.was_done] == ["a.out"]


def test_an_output_of_another_input_is_not_taken_for_done(inputs, tmp_path):
    other, out = tmp_path / "other", tmp_path / "out"
    (other / "sub").mkdir(parents=True)
    (other / "sub" / "0.in").write_bytes(b"gone on")
    do(Reversing(), inputs, out)
    with contextlib.chdir(inputs):  # the same inputs by another path
        assert all(outcome.was_done for outcome in do(Reversing(), ".", out))
    with pytest.raises(ConfigError, match=r"was made of .*in/sub/0\.in"):
        do(Reversing(), other, out)
    assert outputs(out) == EXPECTED
    do(Reversing(), other, out, overwrite=True)
    assert outputs(out)["sub/0.out"] == b"no enog"


def test_an_old_part_of_a_file_is_cleared_away_and_a_new_one_let_be(inputs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name, age_s in ((f".{'a' * 16}.part", 7200), (f".{'b' * 16}.part", 0)):
        (out / name).write_bytes(b"half")
        os.utime(out / name, (time.time() - age_s,) * 2)
    do(Reversing(), inputs, out)
    assert [path.name for path in out.glob("*.part")] == [f".{'b' * 16}.part"]


PROGRAM = """
import sys
from tests.integration.test_batch import Reversing, do
if __name__ == "__main__":
    do(Reversing(delay_s=0.3), sys.argv[1], sys.argv[2], jobs=int(sys.argv[3]))
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_leaves_whole_files_and_no_process_and_is_gone_on_with(
    inputs, tmp_path, jobs
):
    out, program = tmp_path / "out", tmp_path / "program.py"
    program.write_text(PROGRAM)
    running = start(program, inputs, out, jobs)
    while not out.exists() or not any(out.rglob("*.out")):
        assert running.poll() is None
        time.sleep(0.02)
    kill(running)
    assert outputs(out).items() <= EXPECTED.items()
    assert len(outputs(out)) < N_PHOTOS
    do(Reversing(delay_s=0.3), inputs, out)
    assert outputs(out) == EXPECTED


def start(program, inputs, out, jobs):
    return subprocess.Popen(
        [sys.executable, str(program), str(inputs), str(out), str(jobs)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def kill(running):
    """Kill a program, and wait until its processes have noticed."""
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while processes_of(running.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_of(group):
    try:
        os.killpg(group, signal.SIGCONT)
    except ProcessLookupError:
        return False
    return True
