"""Work on many files on several machines, by Ray Data: https://docs.ray.io/en/latest/data/data.html.

Ray finds the machines, keeps a pool of workers, each with networks of its own, gives a worker's
files to another when it dies, and stops reading ahead when workers are slow. Every machine needs
this package and must reach the inputs and the output's folder under the same addresses.
"""

import io
import json
import logging
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from difficmh_core.batch.journal_parts import Record
from difficmh_core.batch.run import Begin, Outcome, Worker
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target
from difficmh_core.batch.work import Work, release_networks
from difficmh_core.errors import BackendUnavailableError

_MOST_FILES = 16
"""Of a block, which is what a worker takes at once and what is done again if it dies."""
_BLOCKS_AHEAD = 4  # for each worker, so that they end together
_LONGEST_WAIT_S = 10.0  # until a cluster answers
_STANDARD_ERROR = 2  # of the process, whatever sys.stderr is


@dataclass(frozen=True, slots=True)
class OnCluster:
    """Work on the machines of a Ray cluster.

    Attributes:
        address: Where the cluster is: ``auto``, ``10.0.0.1:6379`` or ``ray://...``; ``None``
            starts one on this machine.
        jobs: Most workers at once; ``None`` takes as many as there are CPUs, or GPUs. More than
            there are GPUs share them.
        device: Where a worker's networks run, ``cpu`` or ``cuda``.
    """

    address: str | None
    jobs: int | None
    device: str

    def __call__(
        self, work: Work, target: Target, todo: Mapping[str, Source], begin: Begin
    ) -> Iterator[Outcome]:
        """Work: an :data:`~difficmh_core.batch.run.Execution`.

        Raises:
            BackendUnavailableError: If Ray is not installed or the cluster cannot be reached.
        """
        release_networks()
        # Ray prints what it notices of its machines, until it is shut down; standard output is for
        # our result.
        with redirect_stdout(sys.stderr), self._connected() as ray:
            unit = "GPU" if self.device == "cuda" else "CPU"
            n_devices = max(1, int(ray.cluster_resources().get(unit, 1)))
            most = self.jobs or n_devices
            # In JSON, which keeps names that are no text.
            items = [{"item": json.dumps([name, asdict(source)])} for name, source in todo.items()]
            n_blocks = min(len(items), max(_BLOCKS_AHEAD * most, -(-len(items) // _MOST_FILES)))
            outcomes = ray.data.from_items(items, override_num_blocks=n_blocks).map_batches(
                _RayWorker,
                batch_size=None,  # a whole block
                fn_constructor_args=(work, target),
                # From one: a pool that must have them all would wait for a machine that is gone.
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
                **_share_of_device(unit, most, n_devices),
            )
            begin()
            try:
                for row in outcomes.iter_rows():
                    yield Outcome(**json.loads(row["outcome"]))
            except ray.exceptions.RayTaskError as error:
                raise BackendUnavailableError(
                    f"The cluster's workers cannot do the work: {error.cause}"
                ) from error

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Connect to the cluster, or start one, for as long as it is needed."""
        # Read when Ray is imported: it would report its use over the network, and write to the
        # terminal between our lines.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise BackendUnavailableError(
                f"--ray needs the package ray ({error}). Run `pip install 'difficmh[ray]'`."
            ) from error
        is_ours = not ray.is_initialized()
        if is_ours:
            address = self.address or "local"
            try:
                _check_answers(address)
                with _quiet():
                    ray.init(address=address, log_to_driver=False, logging_level="error")
            except (OSError, RuntimeError, ValueError) as error:
                raise BackendUnavailableError(
                    f"The Ray cluster {self.address!r} cannot be reached: {error}. Start it, or "
                    "leave the address out."
                ) from error
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            yield ray
        finally:
            if is_ours:
                ray.shutdown()


def _check_answers(address: str) -> None:
    """Find out soon whether anybody is at an address; Ray itself tries for a minute and more.

    Raises:
        OSError: If nobody is.
    """
    place = re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:(\d+)", address)
    if place is not None:
        socket.create_connection((place[1], int(place[2])), timeout=_LONGEST_WAIT_S).close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Ray's own code, in C++, says at its start from the terminal."""
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), _STANDARD_ERROR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)


def _share_of_device(unit: str, n_workers: int, n_devices: int) -> dict[str, float]:
    """What each worker asks Ray for: a CPU, a GPU, or a part of one."""
    if unit == "CPU":
        return {"num_cpus": 1}
    return {"num_gpus": 1 / max(1, -(-n_workers // n_devices))}


class _RayWorker:
    """A worker in a process of Ray's; rows are JSON, since every record has its own fields."""

    def __init__(self, work: Work, target: Target) -> None:
        self._worker = Worker(work, target)
        self._threads = ThreadPoolExecutor(self._worker.n_threads)

    def __call__(self, rows: Mapping[str, Iterable[str]]) -> Mapping[str, list[str]]:
        return {"outcome": list(self._threads.map(self._outcome, rows["item"]))}

    def _outcome(self, item: str) -> str:
        name, source = json.loads(item)
        return json.dumps(asdict(self._worker.do(name, Source(**source))))


def parquet_of(parts: Iterable[Sequence[Record]]) -> bytes:
    """A table of finished files in the format Parquet.

    Args:
        parts: Records of finished files, as :meth:`~difficmh_core.batch.journal.Journal.records`
            yields them.
    """
    import pyarrow
    from pyarrow import parquet

    # A seed may be larger than what a column otherwise holds.
    types = {"seed": pyarrow.uint64()}
    required = {"name": pyarrow.string(), "source": pyarrow.string(), "n_bytes": pyarrow.int64()}
    tables = [pyarrow.schema(required).empty_table()]  # there may be no file
    for part in parts:
        keys = dict.fromkeys(key for row in part for key in row)
        columns = {key: [_as_text(row.get(key)) for row in part] for key in keys}
        tables.append(
            pyarrow.table(
                {key: pyarrow.array(column, types.get(key)) for key, column in columns.items()}
            )
        )
    buffer = io.BytesIO()
    # Columns of all parts: one may lack some, or hold nothing in them.
    table = pyarrow.concat_tables(tables, promote_options="permissive")
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _as_text(value: object) -> object:
    """Text as a table takes it: bytes of a name that are no text are written as in Python."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
