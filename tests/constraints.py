"""The versions that were tested, of every package: ``python -m tests.constraints`` writes them.

``constraints.txt`` fixes what the bounds in ``requirements.txt`` and ``requirements-dev.txt``
leave open, and what these packages need in turn. A constraint asks for nothing by itself, so that
a line for a package of one system does no harm on another.
"""

import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["CONSTRAINTS", "installed_versions", "read_constraints", "read_requirements"]

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
LISTS = ("requirements.txt", "requirements-dev.txt")
_HEAD = """\
# The versions that were tested (CPython 3.11, Linux), of the packages in requirements.txt and
# requirements-dev.txt and of all that these need. `pip install -r requirements.txt -c
# constraints.txt` installs them; `make constraints` moves them on. torch's own CUDA packages are
# missing: torch fixes them itself. A build such as 2.13.0+cpu satisfies 2.13.0.
"""


def read_requirements() -> list[Requirement]:
    """Return what both lists ask for, without what one includes of the other."""
    lines = [line.strip() for name in LISTS for line in (ROOT / name).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def read_constraints() -> Mapping[str, Version]:
    """Return the tested version of each package, under its canonical name."""
    versions = dict[str, Version]()
    for line in CONSTRAINTS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = re.fullmatch(r"([a-z0-9-]+)==(\S+)", line).groups()
            assert name not in versions, f"{name} has two lines"
            versions[name] = Version(version)
    return versions


def installed_versions(requirements: Iterable[Requirement]) -> Mapping[str, Version]:
    """Return the installed version of each package that is asked for, directly or in turn.

    Raises:
        PackageNotFoundError: If one is not installed.
    """
    versions = dict[str, Version]()
    seen = set[tuple[str, str]]()
    waiting = [(each, extra) for each in requirements for extra in ("", *each.extras)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        package = metadata.distribution(name)
        versions[name] = Version(Version(package.version).public)
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed, each) for each in ("", *needed.extras)]
    return versions


def main() -> None:
    """Write what is installed."""
    versions = installed_versions(read_requirements())
    lines = sorted(f"{name}=={version}\n" for name, version in versions.items())
    CONSTRAINTS.write_text(_HEAD + "".join(lines))


if __name__ == "__main__":
    main()
