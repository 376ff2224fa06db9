"""How far work is, on standard error: a bar on a terminal, elsewhere a line now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

StepT = TypeVar("StepT", bound=Any)
_LINE_INTERVAL_S = 2.0


class _Lines:
    """Adds lines where a bar would replace its own."""

    def __init__(self) -> None:
        self.n_written = 0

    def write(self, text: str) -> None:
        """Add a line, unless it would only clear the one before."""
        if line := text.strip():
            sys.stderr.write(f"{line}\n")
            self.n_written += 1

    def flush(self) -> None:
        """Show what was added."""
        sys.stderr.flush()


@contextmanager
def progress(what: str, **settings: Any) -> Iterator[Callable[..., None]]:  # noqa: ANN401
    """Show a bar until the work is done; it is told how much of how much is, and of what.

    Elsewhere than on a terminal, the last line tells the end, if there were any before.
    """
    from tqdm import tqdm

    interval_s = 0.0 if sys.stderr.isatty() else _LINE_INTERVAL_S
    lines = _Lines()
    if interval_s:
        settings["file"] = lines
    settings |= {"miniters": 0, "mininterval": interval_s, "delay": interval_s, "leave": False}
    with tqdm(desc=what, **settings) as bar:

        def tell(n_done: int, n_total: int, what: str = what) -> None:
            bar.set_description(what, refresh=False)
            bar.total = n_total
            bar.update(n_done - bar.n)

        yield tell
        if lines.n_written and bar.n > bar.last_print_n:
            bar.refresh()


def told(steps: Iterator[StepT], what: str, unit: str) -> Iterator[StepT]:
    """Pass on the steps of some work, and show how far it is."""
    with progress(what, unit=unit) as tell:
        for step in steps:
            tell(step.index, step.total)
            yield step
