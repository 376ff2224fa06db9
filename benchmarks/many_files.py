"""Encode a thousand photographs in every way that there is, and compare the files.

    python -m benchmarks.many_files SHARDS [--n 1000] [--broken 10] [--out results/many_files]
        [--ways NAME ...]

SHARDS is a folder of ``*.tar``. Photographs of it, broken files and odd names are encoded by one
process, by two, by a Ray cluster of two machines of which one dies, by processes that are killed
and started again, out of an archive, and out of storage in memory. Prints, and keeps in
``many_files.json``: seconds, photographs per second, memory at a tenth of the way and at its peak,
failures, and whether the files are those of the first way. ``--ways`` does only some again.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec

from benchmarks import check_system
from benchmarks._machine import this_machine
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.targets import FAILURES_NAME, Target
from difficmh_core.cli.main import main as command_line

BROKEN = (
    b"",
    b"no picture",
    b"\xff\xd8\xff\xe0" + bytes(100),
    b"\x89PNG\r\n\x1a\n",
    b"RIFF....WEBP",
)
ODD_NAMES = (
    *("with blank.webp", "ünïcödé 漢字.webp", "new\nline.webp", "-dash.webp", "[1]*?.webp"),
    *("{0..3}.webp", "double..dots.webp", "UPPER.WEBP", ".hidden.webp", "a" * 200 + ".webp"),
)


def prepare(shards: Path, n: int, n_broken: int, folder: Path) -> None:
    """Unpack photographs, and put broken files and odd names among them."""
    photos = _photos_in(shards)
    for number in range(n - len(ODD_NAMES) - n_broken):
        path = folder / f"{number // 100:02d}" / f"{number:05d}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(next(photos))
    (folder / "odd").mkdir()
    for name in ODD_NAMES:
        (folder / "odd" / name).write_bytes(next(photos))
    for number in range(n_broken):
        cut = next(photos)
        data = BROKEN[number // 2] if number % 2 else cut[: len(cut) // 2]
        (folder / "odd" / f"broken {number}.webp").write_bytes(data)


def _photos_in(shards: Path) -> Iterator[bytes]:
    for shard in sorted(shards.glob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                if member.name.endswith(".webp") and (file := archive.extractfile(member)):
                    yield file.read()


def run(words: list[str], kill_at: int | None = None, out: Path | None = None) -> dict[str, Any]:
    """Run ``encode`` in a process of its own.

    Args:
        words: Its arguments.
        kill_at: Kill it when ``out`` holds as many files.
        out: Where files appear.
    """
    command = [sys.executable, "-m", "difficmh_core", "encode", *words, "--json"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)  # fmt: skip
    memory = list[float]()
    watching = threading.Thread(target=_watch, args=(process.pid, memory), daemon=True)
    watching.start()
    if kill_at is not None and out is not None:
        while _n_files(out) < kill_at:
            if process.poll() is not None:
                raise RuntimeError(f"It ended with {process.returncode}, before it was killed.")
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return {"killed_at": _n_files(out), "killed_after_s": time.monotonic() - began}
    told, errors = process.communicate()
    if not told.startswith(b"{"):
        shown = (told + errors).decode()[-2000:]
        raise RuntimeError(f"It ended with {process.returncode}: {shown}")
    tenth = memory[len(memory) // 10 :]
    return json.loads(told) | {
        "seconds": time.monotonic() - began,
        "exit_code": process.returncode,
        "memory_at_a_tenth_mib": tenth[0],
        "memory_peak_mib": max(tenth),
    }


def _watch(pid: int, memory: list[float]) -> None:
    """Note the resident memory of a process and its children, once a second [MiB]."""
    while True:
        total = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                told = status.read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            fields = told.rpartition(")")[2].split()
            if int(fields[2]) == pid:  # the process group
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        if total == 0 and memory:
            return
        memory.append(total / 2**20)
        time.sleep(1)


def _n_files(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*.dicmh"))


def _n_failed(folder: Path) -> int:
    failures = folder / FAILURES_NAME
    return len(failures.read_text(encoding="utf-8").splitlines()) if failures.exists() else 0


def digest(folder: Path) -> str:
    """One number for all files of a folder and their names."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.dicmh")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def on_cluster(inputs: Path, out: Path, kill_at: int) -> dict[str, Any]:
    """Encode on two machines in one, each with one CPU, one of which dies at so many files."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 200 << 20}
    )
    second = cluster.add_node(num_cpus=1, object_store_memory=200 << 20)

    has_ended = threading.Event()

    def let_die() -> None:
        while _n_files(out) < kill_at:
            if has_ended.wait(0.2):
                return
        cluster.remove_node(second, allow_graceful=False)

    dying = threading.Thread(target=let_die, daemon=True)
    dying.start()
    try:
        report = run([str(inputs), f"{out}/", "--ray", cluster.address])
    finally:
        has_ended.set()
        dying.join()
        cluster.shutdown()
    return report | {"killed_at": kill_at}


def in_memory(inputs: Path, out: Path) -> dict[str, Any]:
    """Encode out of storage in memory, and into it; then copy the files out."""
    storage = fsspec.filesystem("memory")
    for path in inputs.rglob("*"):
        if path.is_file():
            storage.pipe_file(f"/in/{path.relative_to(inputs).as_posix()}", path.read_bytes())
    began = time.monotonic()
    exit_code = command_line(["encode", "memory://in", "memory://out", "--json"])
    seconds = time.monotonic() - began
    for name in storage.find("/out"):
        target = out / name.removeprefix("/out/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(storage.cat_file(name))
    return {"seconds": seconds, "exit_code": exit_code}


def mean_megapixels(out: Path) -> float:
    """How large the photographs of a finished run are on average."""
    records = [each for some in Journal(Target(str(out)), {}).records() for each in some]
    pixels = sum(each["height_px"] * each["width_px"] for each in records)
    return float(pixels) / len(records) / 1e6


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("shards", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--broken", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("results/many_files"))
    parser.add_argument("--ways", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    check_system(parser)
    root = arguments.out
    inputs, archive, kept = root / "in", root / "in.tar", root / "many_files.json"
    if not archive.exists():
        prepare(arguments.shards, arguments.n, arguments.broken, inputs)
        with tarfile.open(archive, "w") as file:
            file.add(inputs, arcname=".")

    def plain(out: Path, *words: str, source: Path = inputs) -> dict[str, Any]:
        return run([str(source), f"{out}/", *words])

    def killed(out: Path) -> dict[str, Any]:
        first = run([str(inputs), f"{out}/", "--jobs", "2"], arguments.n // 2, out)
        then = plain(out, "--jobs", "2")
        return first | then | {"seconds": first["killed_after_s"] + then["seconds"]}

    ways: dict[str, Callable[[Path], dict[str, Any]]] = {
        "one process": plain,
        "two processes": lambda out: plain(out, "--jobs", "2"),
        "Ray, two machines, one dies": lambda out: on_cluster(inputs, out, arguments.n // 4),
        "two processes, killed and resumed": killed,
        "archive": lambda out: plain(out, "--jobs", "2", source=archive),
        "memory://": lambda out: in_memory(inputs, out),
    }
    outs = {name: root / f"out-{number}" for number, name in enumerate(ways)}
    first, *_ = outs.values()
    report = (
        json.loads(kept.read_text(encoding="utf-8"))
        if arguments.ways and kept.exists()
        else {"ways": {}}
    )
    for name, out in outs.items():
        if arguments.ways and name not in arguments.ways:
            continue
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        found = ways[name](out)
        found.pop("folder", None)  # a path of this machine
        found |= {"n_files": _n_files(out), "n_failed": _n_failed(out)}
        found |= {"is_same": digest(out) == digest(first)}
        found["files_per_second"] = found["n_files"] / found["seconds"]
        report["ways"][name] = found
        sys.stdout.write(f"{name}: {json.dumps(found)}\n")
        sys.stdout.flush()
        report |= {"machine": this_machine(), "mean_megapixels": mean_megapixels(first)}
        kept.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
