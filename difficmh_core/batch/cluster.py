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
from difficmh_core.batch.run import Begin, Outcome, Worker, failed
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target
from difficmh_core.batch.work import Work, release_networks
from difficmh_core.errors import BackendUnavailableError, DiffICMHError

_MOST_FILES = 16
"""Of a block, which is what a worker takes at once and what is done again if it dies."""
_MOST_RETRIES = 3  # of a block; without an end, one photo that ends workers would never let go
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
            left = dict(todo)
            begin()
            # A block at which workers end again and again is left out; then each file is a block.
            for n_files in (_MOST_FILES, 1):
                n_blocks = -(-len(left) // n_files)
                if n_files > 1:
                    n_blocks = min(len(left), max(_BLOCKS_AHEAD * most, n_blocks))
                share = _share_of_device(unit, most, n_devices)
                for outcome in _outcomes(ray, work, target, left, n_blocks, most, share):
                    left.pop(outcome.name, None)
                    yield outcome
            for item in left.items():
                yield failed(*item, "The process that worked on it ended, again and again.")

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
        logging.getLogger("ray").setLevel(logging.ERROR)
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are ours to tell
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # without an end; what is missing is tried by itself
        try:
            yield ray
        finally:
            if is_ours:
                ray.shutdown()


def _outcomes(
    ray: Any,  # noqa: ANN401 (the module)
    work: Work,
    target: Target,
    todo: Mapping[str, Source],
    n_blocks: int,
    most: int,
    share: Mapping[str, float],
) -> Iterator[Outcome]:
    """Yield the outcomes of files in so many blocks, but for blocks at which workers ended."""
    # In JSON, which keeps names that are no text.
    items = [{"item": json.dumps([name, asdict(source)])} for name, source in todo.items()]
    if not items:
        return
    rows = ray.data.from_items(items, override_num_blocks=n_blocks).map_batches(
        _RayWorker,
        batch_size=None,  # a whole block
        fn_constructor_args=(work, target),
        # From one: a pool that must have them all would wait for a machine that is gone.
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
        max_task_retries=_MOST_RETRIES,
        **share,
    )
    try:
        for row in rows.iter_rows():
            told = json.loads(row["outcome"])
            if isinstance(told, str):
                raise BackendUnavailableError(told)
            yield Outcome(**told)
    except ray.exceptions.RayError as error:
        *_, reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BackendUnavailableError(
            f"The cluster's workers cannot do the work: {reason}"
        ) from error


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
        try:
            self._worker = Worker(work, target)
        except DiffICMHError as error:
            self._refusal = str(error)
        else:
            self._refusal = ""
            self._threads = ThreadPoolExecutor(self._worker.n_threads)

    def __call__(self, rows: Mapping[str, Iterable[str]]) -> Mapping[str, list[str]]:
        if self._refusal:
            return {"outcome": [json.dumps(self._refusal)]}
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
