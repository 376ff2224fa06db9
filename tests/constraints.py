"""The versions that were tested, of every package: ``python -m tests.constraints`` writes them.

``constraints.txt`` fixes what the bounds in ``requirements.txt`` and ``requirements-dev.txt``
leave open, and what these packages need in turn. A constraint asks for nothing by itself, so that
a line for a package of one system does no harm on another. A line that holds for some machines
only has a marker, which people write: run by another version of Python, this writes the versions
of the lines that hold there, and leaves the others as they are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = [
    "CONSTRAINTS",
    "ROOT",
    "Line",
    "installed_versions",
    "moved_on",
    "read_constraints",
    "read_lines",
    "read_requirements",
]

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
LISTS = ("requirements.txt", "requirements-dev.txt")
_HEAD = """\
# The versions that were tested (CPython 3.11, 3.12 and 3.13, Linux), of the packages in
# requirements.txt and requirements-dev.txt and of all that these need. `pip install -r
# requirements.txt -c constraints.txt` installs them; `make constraints` moves them on. torch's own
# CUDA packages are missing: torch fixes them itself. A build such as 2.13.0+cpu satisfies 2.13.0.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the constraints.

    Attributes:
        name: The package's canonical name.
        version: The tested version.
        marker: Where it holds; empty if everywhere.
    """

    name: str
    version: Version
    marker: str = ""

    @property
    def holds_here(self) -> bool:
        """Whether it holds for the Python and the machine that this runs on."""
        return not self.marker or Marker(self.marker).evaluate()

    def __str__(self) -> str:
        return f"{self.name}=={self.version}" + (f"; {self.marker}" if self.marker else "")


def read_requirements() -> list[Requirement]:
    """Return what both lists ask for, without what one includes of the other."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in LISTS]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def read_lines() -> list[Line]:
    """Return the constraints of all machines."""
    lines = list[Line]()
    for text in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        if text and not text.startswith("#"):
            name, version, marker = re.fullmatch(
                r"([a-z0-9-]+)==([^\s;]+)(?:; (.+))?", text
            ).groups()
            lines.append(Line(name, Version(version), marker or ""))
    return lines


def read_constraints() -> Mapping[str, Version]:
    """Return the tested version of each package here, under its canonical name."""
    versions = dict[str, Version]()
    for line in read_lines():
        if line.holds_here:
            assert line.name not in versions, f"{line.name} has two lines that hold here"
            versions[line.name] = line.version
    return versions


def installed_versions(requirements: Iterable[Requirement]) -> Mapping[str, Version]:
    """Return the installed version of each package that is asked for here, directly or in turn.

    What torch brings along for CUDA is left out: it depends on the build, and torch fixes it.

    Raises:
        PackageNotFoundError: If one is not installed.
    """
    versions = dict[str, Version]()
    seen = set[tuple[str, str]]()
    asked = [each for each in requirements if each.marker is None or each.marker.evaluate()]
    waiting = [(each, extra) for each in asked for extra in ("", *each.extras)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen or _is_part_of_cuda(name):
            continue
        seen.add((name, extra))
        package = metadata.distribution(name)
        versions[name] = Version(Version(package.version).public)
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed, each) for each in ("", *needed.extras)]
    return versions


def _is_part_of_cuda(name: str) -> bool:
    return name.startswith(("nvidia-", "cuda-")) or name == "triton"


def moved_on(lines: Iterable[Line], installed: Mapping[str, Version]) -> list[Line]:
    """Return the lines with the installed versions; those that do not hold here stay."""
    before = list(lines)
    known = {line.name: line for line in before if line.holds_here}
    here = [
        replace(known.get(name, Line(name, version)), version=version)
        for name, version in installed.items()
    ]
    elsewhere = [line for line in before if not line.holds_here]
    return sorted([*here, *elsewhere], key=str)


def main() -> None:
    """Write what is installed."""
    lines = moved_on(read_lines(), installed_versions(read_requirements()))
    text = _HEAD + "".join(f"{line}\n" for line in lines)
    CONSTRAINTS.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
