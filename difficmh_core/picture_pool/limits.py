"""What a process that reads a stranger's picture may use, and how it gives up the rest for good.

The limits are those of POSIX (https://man7.org/linux/man-pages/man2/getrlimit.2.html). Where a
system has none of them, as Windows, only the time on the clock is limited, by the parent.
"""

import os
import sys
from dataclasses import dataclass

from difficmh_core.picture_pool.system_calls import forbid_system_calls

if sys.platform != "win32":
    import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """Limits of one worker.

    Attributes:
        wall_s: Time on the clock for one picture, after which its worker is ended [s].
        cpu_s: Computing time for one picture [s].
        memory_bytes: Address space of the process [bytes].
        max_pictures: After as many pictures a worker is replaced, with whatever they left in it.
        niceness: How far it steps back behind the program's other processes, 0 to 19.
    """

    wall_s: float = 10.0
    cpu_s: float = 10.0
    memory_bytes: int = 1_500_000_000
    max_pictures: int = 200
    niceness: int = 10


def lock_down(limits: WorkerLimits) -> bool:
    """Give up everything but computing, for good.

    No file, connection or program can be opened; on Linux, a filter of system calls also forbids
    to rename, delete or signal. To be called once everything needed is imported, since Python
    opens files to import more.

    Args:
        limits: What stays.

    Returns:
        Whether the filter is in force.
    """
    if sys.platform == "win32":
        return False
    os.nice(limits.niceness)
    if sys.platform == "linux":  # elsewhere a process may be larger than that from its start
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)  # the picture would lie in the core dump
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 0)  # of new ones; what is open stays open
    return forbid_system_calls()


def allow_cpu(seconds: float) -> None:
    """Allow computing time from now on; the system ends a process that takes more.

    Args:
        seconds: Whole ones count, so that up to one more is given [s].
    """
    if sys.platform == "win32":
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, hard)
    )


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))
