"""``encode`` and ``decode`` of many files: folders, patterns, archives, buckets."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from difficmh_core.batch.journal import FAILURES_NAME, Journal
from difficmh_core.batch.run import Execution, InProcesses, Outcome, in_this_process, run
from difficmh_core.batch.sources import STANDARD, find_sources, is_address, is_archive
from difficmh_core.batch.targets import Target, check_apart, output_names
from difficmh_core.batch.work import Work
from difficmh_core.cli.output import Report
from difficmh_core.cli.progress import progress
from difficmh_core.errors import ConfigError

TABLE_NAME = "files.parquet"
_ON_THIS_MACHINE = "local"


def add_many(parser: argparse.ArgumentParser) -> None:
    """Add the options that only matter with many files."""
    parser.add_argument(
        "--jobs", type=int, help="processes that work at once, with many files (default 1)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="with many files, make those anew that an earlier run finished with these settings",
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const=_ON_THIS_MACHINE,
        metavar="ADDRESS",
        help="run on the Ray cluster at this address, or without one on a cluster of this machine "
        "(give it last)",
    )


def are_many(inputs: Sequence[str], output: str) -> bool:
    """Tell whether words name more than one plain file and where to write it."""
    if output == STANDARD or list(inputs) == [STANDARD]:
        if len(inputs) > 1:
            raise ConfigError(
                f"Standard output takes one file, but {len(inputs)} inputs are named. Give a "
                "folder as the output."
            )
        return False
    if len(inputs) > 1 or output.endswith("/") or is_address(output) or Path(output).is_dir():
        return True
    (word,) = inputs
    is_file = Path(word).is_file() and not is_archive(word)
    has_sign = any(sign in word for sign in "*?[{")
    return not is_file and (
        is_address(word) or is_archive(word) or has_sign or Path(word).is_dir()
    )


def do_many(work: Work, arguments: argparse.Namespace, what: str) -> Report:
    """Work on many files, show how far it is, and sum up.

    Args:
        work: What to do with each.
        arguments: With ``inputs``, ``output`` and the options of :func:`add_many`.
        what: The work in a word, for people: ``encoding``.

    Raises:
        ConfigError: If inputs are not there, outputs would collide or lie in an input.
    """
    began, target = time.monotonic(), Target(arguments.output)
    check_apart(arguments.inputs, arguments.output)
    sources = output_names(find_sources(arguments.inputs, work.suffixes), work.suffix)
    outcomes = list[Outcome]()
    with progress(what, unit="file") as tell:
        tell(0, len(sources))
        for outcome in run(
            work, sources, target, execute=_execution(arguments), overwrite=arguments.overwrite
        ):
            outcomes.append(outcome)
            tell(len(outcomes), len(sources))
    if arguments.ray is not None:
        from difficmh_core.batch.cluster import parquet_of

        target.write(TABLE_NAME, parquet_of(iter(Journal(target))))
    return _summary(outcomes, target, time.monotonic() - began)


def _execution(arguments: argparse.Namespace) -> Execution:
    jobs = arguments.jobs
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs must be at least 1, got {jobs}.")
    if arguments.ray is not None:
        from difficmh_core.batch.cluster import OnCluster

        address = None if arguments.ray == _ON_THIS_MACHINE else arguments.ray
        return OnCluster(address, jobs, arguments.device)
    return in_this_process if jobs in (None, 1) else InProcesses(jobs)


def _summary(outcomes: Sequence[Outcome], target: Target, seconds: float) -> Report:
    written = [outcome.record for outcome in outcomes if outcome.record]
    failed = [outcome for outcome in outcomes if outcome.reason is not None]
    n_skipped = sum(outcome.was_done for outcome in outcomes)
    n_bytes = sum(record["n_bytes"] for record in written)
    bpp = [record["bpp"] for record in written if "bpp" in record]
    for outcome in failed[:3]:
        sys.stderr.write(f"failed: {outcome.place}: {outcome.reason}\n")
    parts = [f"{len(written):,} written, {n_bytes:,} bytes"]
    if bpp:
        parts.append(f"{sum(bpp) / len(bpp):.4f} bpp on average")
    if n_skipped:
        parts.append(f"{n_skipped:,} done before")
    if failed:
        parts.append(f"{len(failed):,} failed, named in {FAILURES_NAME}")
    rate = len(written) / seconds
    text = f"{target.address}: {', '.join(parts)}; {seconds:.1f} s, {rate:.2f} files/s"
    fields = {
        "folder": target.address,
        "n_written": len(written),
        "n_bytes": n_bytes,
        "bpp": sum(bpp) / len(bpp) if bpp else None,
        "n_done_before": n_skipped,
        "n_failed": len(failed),
        "seconds": round(seconds, 3),
    }
    return Report(fields=fields, text=text, exit_code=1 if failed else 0)
