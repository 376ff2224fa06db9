"""Programs run as processes: no shell, a time limit, a folder that is removed, errors in words."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from difficmh_core.errors import ProgramError

TIME_LIMIT_S = 300.0
"""When a program is stopped unless its caller says otherwise [s]."""
_N_STDERR_LINES = 4


def run_program(
    command: Sequence[str | Path], *, folder: Path, limit_s: float = TIME_LIMIT_S
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: The program and its arguments.
        folder: Where it runs; its files should lie there.
        limit_s: When it is killed [s].

    Raises:
        ProgramError: If it cannot be started, fails, or takes too long; the message ends with
            what it last wrote to its error stream.
    """
    words = [str(word) for word in command]
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(
            f"{name} did not end within {limit_s:g} s and was stopped. Take a faster preset or a "
            "smaller image."
        ) from error
    except OSError as error:
        raise ProgramError(
            f"{name} cannot be started ({error.strerror or error}). Install it again."
        ) from error
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        said = " ".join(line.strip() for line in lines[-_N_STDERR_LINES:]) or "no message"
        raise ProgramError(f"{name} failed with exit code {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")
