"""``encode`` and ``decode`` of many files: folders, patterns, archives, buckets."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from difficmh_core.batch.addresses import is_address, without_secrets
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.processes import InProcesses
from difficmh_core.batch.run import Execution, Outcome, in_this_process, run
from difficmh_core.batch.sources import PICTURE_SUFFIXES, STANDARD, find_sources, is_archive
from difficmh_core.batch.targets import (
    FAILURES_NAME,
    TABLE_NAME,
    Target,
    check_apart,
    output_names,
)
from difficmh_core.batch.work import FILE_SUFFIX, Work
from difficmh_core.cli.output import Report
from difficmh_core.cli.progress import progress
from difficmh_core.errors import ConfigError

_ON_THIS_MACHINE = "local"
_N_SHOWN = 3  # failures; the list has all


def add_many(parser: argparse.ArgumentParser) -> None:
    """Add the options that only matter with many files."""
    parser.add_argument(
        "--jobs", type=int, help="processes that work at once, with many files (default 1)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="with many files, make those anew that an earlier run finished with these settings, "
        "and replace files that no run made",
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
    """Tell whether words name more than one plain file and where to write it.

    Raises:
        ConfigError: If several inputs would go to standard output, or standard input, which has no
            name, to a folder.
    """
    if list(inputs) == [STANDARD] and _is_called_folder(output):
        raise ConfigError(
            f"Standard input has no name that it could have in the folder {output!r}. Give the "
            "name of a file as the output."
        )
    if output == STANDARD or list(inputs) == [STANDARD]:
        if len(inputs) > 1:
            raise ConfigError(
                f"Standard output takes one file, but {len(inputs)} inputs are named. Give a "
                "folder as the output."
            )
        return False
    if len(inputs) > 1 or _is_called_folder(output) or is_address(output) or Path(output).is_dir():
        return True
    (word,) = inputs
    is_file = Path(word).is_file() and not is_archive(word)
    has_sign = any(sign in word for sign in "*?[{")
    return not is_file and (
        is_address(word) or is_archive(word) or has_sign or Path(word).is_dir()
    )


def _is_called_folder(output: str) -> bool:
    return output.endswith(("/", os.sep))


def _check_called_folder(output: str) -> None:
    """Refuse an output of many files whose name is that of one file.

    Raises:
        ConfigError: If it is, unless such a folder is there.
    """
    suffix = PurePosixPath(output).suffix.lower()
    if suffix in {FILE_SUFFIX, *PICTURE_SUFFIXES} and not (
        _is_called_folder(output) or Path(output).is_dir()
    ):
        raise ConfigError(
            f"The output {without_secrets(output)!r} is called like one file, but several inputs, "
            "and addresses, need a folder as the output. Name one; if it is to be called so, end "
            "it with /."
        )


def check_alone(arguments: argparse.Namespace) -> None:
    """Refuse, for one file, what only many files can have.

    Raises:
        ConfigError: If a cluster or several processes are asked for.
    """
    if arguments.ray is not None or arguments.jobs not in (None, 1):
        raise ConfigError(
            "--ray and --jobs work on many files. Give a folder as the output, ending in /."
        )


def do_many(work: Work, arguments: argparse.Namespace, what: str) -> Report:
    """Work on many files, show how far it is, and sum up.

    Args:
        work: What to do with each.
        arguments: With ``inputs``, ``output`` and the options of :func:`add_many`.
        what: The work in a word, for people: ``encoding``.

    Raises:
        ConfigError: If inputs are not there, outputs would collide or lie in an input, or a file
            is where their folder should be.
        OSError: If the output cannot be read or written to.
    """
    try:
        return _done(work, arguments, what)
    except OSError as error:
        if (told := without_secrets(str(error))) != str(error):
            raise OSError(told) from error
        raise


def _done(work: Work, arguments: argparse.Namespace, what: str) -> Report:
    began, target, execute = time.monotonic(), Target(arguments.output), _execution(arguments)
    _check_called_folder(arguments.output)
    sources = output_names(find_sources(arguments.inputs, work.suffixes), work.suffix)
    check_apart(arguments.inputs, sources, target)
    target.check_folder()
    summary = _Summary(without_secrets(target.address))
    with progress(what, unit="file") as tell:
        tell(0, len(sources))
        for outcome in run(work, sources, target, execute=execute, overwrite=arguments.overwrite):
            summary.add(outcome)
            tell(summary.n_known, len(sources))
    if arguments.ray is not None:
        from difficmh_core.batch.cluster import parquet_of

        target.write(TABLE_NAME, parquet_of(Journal(target, {}).records()))
    return summary.report(time.monotonic() - began)


def _execution(arguments: argparse.Namespace) -> Execution:
    jobs = arguments.jobs
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs must be at least 1, got {jobs}.")
    if arguments.ray is not None:
        from difficmh_core.batch.cluster import OnCluster

        address = None if arguments.ray == _ON_THIS_MACHINE else arguments.ray
        return OnCluster(address, jobs, arguments.device)
    return in_this_process if jobs in (None, 1) else InProcesses(jobs)


class _Summary:
    """Sums over outcomes, which themselves may be a million."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._n_written = self._n_bytes = self._n_done_before = self._n_failed = 0
        self._bpp = 0.0

    @property
    def n_known(self) -> int:
        """Files whose outcome is known."""
        return self._n_written + self._n_done_before + self._n_failed

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; the first failures are told at once."""
        if outcome.reason is not None:
            self._n_failed += 1
            if self._n_failed <= _N_SHOWN:
                sys.stderr.write(f"failed: {_shown(outcome.place)}: {_shown(outcome.reason)}\n")
        elif outcome.was_done:
            self._n_done_before += 1
        else:
            self._n_written += 1
            self._n_bytes += outcome.record["n_bytes"]
            self._bpp += outcome.record.get("bpp", 0.0)

    def report(self, seconds: float) -> Report:
        """Sum up a run of so many seconds."""
        bpp = self._bpp / self._n_written if self._bpp else None
        parts = [f"{self._n_written:,} written, {self._n_bytes:,} bytes"]
        if bpp is not None:
            parts.append(f"{bpp:.4f} bpp on average")
        if self._n_done_before:
            parts.append(f"{self._n_done_before:,} done before")
        if self._n_failed:
            parts.append(f"{self._n_failed:,} failed, named in {FAILURES_NAME}")
        speed = f", {self._n_written / seconds:.2f} files/s" if self._n_written else ""
        fields = {
            "folder": self._folder,
            "n_written": self._n_written,
            "n_bytes": self._n_bytes,
            "bpp": bpp,
            "n_done_before": self._n_done_before,
            "n_failed": self._n_failed,
            "seconds": round(seconds, 3),
        }
        text = f"{self._folder}: {', '.join(parts)}; {seconds:.1f} s{speed}"
        return Report(fields=fields, text=text, exit_code=1 if self._n_failed else 0)


def _shown(text: str) -> str:
    """A text in which nothing but what can be printed is left to the terminal."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
