"""How far work is, on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, TypeVar

StepT = TypeVar("StepT", bound=Any)
_LINE_INTERVAL_S = 2.0


def _write_line(text: str) -> None:
    """Add what would replace the line, unless it would only clear it."""
    if line := text.strip():
        sys.stderr.write(f"{line}\n")


@contextmanager
def progress(what: str, **settings: Any) -> Iterator[Callable[..., None]]:  # noqa: ANN401
    """Show a bar until the work is done; it is told how much of how much is, and of what."""
    from tqdm import tqdm

    interval_s = 0.0 if sys.stderr.isatty() else _LINE_INTERVAL_S
    if interval_s:
        settings["file"] = SimpleNamespace(write=_write_line, flush=sys.stderr.flush)
    settings |= {"miniters": 0, "mininterval": interval_s, "delay": interval_s, "leave": False}
    with tqdm(desc=what, **settings) as bar:

        def tell(n_done: int, n_total: int, what: str = what) -> None:
            bar.set_description(what, refresh=False)
            bar.total = n_total
            bar.update(n_done - bar.n)

        yield tell


def told(steps: Iterator[StepT], what: str, unit: str) -> Iterator[StepT]:
    """Pass on the steps of some work, and show how far it is."""
    with progress(what, unit=unit) as tell:
        for step in steps:
            tell(step.index, step.total)
            yield step
