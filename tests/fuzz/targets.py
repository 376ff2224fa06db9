"""The readers that are fuzzed, by name: where each is, and whose code guides the search."""

import importlib
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_OURS = ("difficmh_core", "ui")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader of foreign bytes.

    Attributes:
        name: Its name.
        instrumented: Packages whose branches count as progress.
        followed: Functions of other packages whose branches do, too: "module:Class.method".
        max_bytes: Longest input [bytes].
    """

    name: str
    instrumented: tuple[str, ...] = _OURS
    followed: tuple[str, ...] = ()
    max_bytes: int = 4096

    def load(self):
        """The function that reads bytes, and raises on anything but a documented refusal."""
        return importlib.import_module(f"tests.fuzz.{self.name}").fuzz

    @property
    def corpus(self):
        """The files that a search starts from, in order."""
        return sorted(path for path in (CORPUS / self.name).iterdir() if path.is_file())


TARGETS = {
    target.name: target
    for target in (
        Target(name="container"),
        Target(name="pictures", instrumented=(*_OURS, "PIL")),
        Target(name="settings"),
        Target(name="weights"),
        Target(name="pickles", followed=("torch._weights_only_unpickler:Unpickler.load",)),
    )
}
