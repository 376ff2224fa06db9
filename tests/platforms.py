"""Where everything installs from wheels alone: ``python -m tests.platforms`` writes the table.

Asks the package index, for each kind of machine and version of Python that people have, whether
the requirements resolve to wheels alone, and writes the table of ``docs/install.md``: once with
the versions of ``constraints.txt``, the tests' own packages included, and once without, as
``pip install .`` does. Exceptions are named here with their reason; one that is no longer needed
is an error, too. Run it when a requirement changes. It takes some minutes, downloads metadata
only, and needs uv, which evaluates what packages ask for as the other machine would.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.constraints import CONSTRAINTS, ROOT, read_constraints

DOCUMENT = ROOT / "docs" / "install.md"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACOS = "14.0"
"""Its first version that torch and ONNX Runtime have wheels for."""
BUILT_HERE = ("openai-clip",)
"""Published as source only, but of Python alone: pip builds it without a compiler, anywhere."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of machine.

    Attributes:
        name: For people.
        uv_name: What uv calls it.
    """

    name: str
    uv_name: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A package without a wheel for some machines.

    Attributes:
        package: As the requirements call it.
        platform: The name of the machines.
        pythons: The versions of Python.
        words: What the table says.
        reason: Why it is so, and what it means there.
    """

    package: str
    platform: str
    pythons: tuple[str, ...]
    words: str
    reason: str


_OLD_LINUX = "Linux, x86-64, glibc 2.28"
PLATFORMS = (
    Platform(_OLD_LINUX, "x86_64-manylinux_2_28"),
    Platform("Linux, x86-64, glibc 2.39", "x86_64-manylinux_2_39"),
    Platform("Linux, ARM (aarch64), glibc 2.28", "aarch64-manylinux_2_28"),
    Platform("Linux, ARM (aarch64), glibc 2.39", "aarch64-manylinux_2_39"),
    Platform("macOS 14, Apple silicon", "aarch64-apple-darwin"),
    Platform("Windows, x86-64", "x86_64-pc-windows-msvc"),
)
GAPS = (
    Gap(
        "compressai",
        _OLD_LINUX,
        ("3.11", "3.12"),
        "yes, with a C++ compiler",
        "Its wheels need glibc 2.34, which no marker can tell; pip builds it from source.",
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something to install.

    Attributes:
        lists: The files of requirements.
        is_constrained: Whether to the tested versions.
    """

    lists: tuple[str, ...]
    is_constrained: bool


QUESTIONS = (
    Question(("requirements.txt", "requirements-dev.txt"), is_constrained=True),
    Question(("requirements.txt",), is_constrained=False),
)


def lines_without(packages: Sequence[str], lists: Sequence[str]) -> list[str]:
    """The requirements of some files, without some packages and without what includes a file."""
    lines = [line for name in lists for line in (ROOT / name).read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    return [
        line for line in wanted if re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] not in packages
    ]


def gaps_of(platform: Platform, python: str) -> list[Gap]:
    """The exceptions that hold there."""
    return [gap for gap in GAPS if gap.platform == platform.name and python in gap.pythons]


def failure_of(
    platform: Platform, python: str, question: Question, without: Sequence[str], wheels: Path
) -> str | None:
    """Why something cannot be installed from wheels alone; ``None`` if all can.

    Args:
        platform: The machine.
        python: Its version of Python.
        question: What to install.
        without: Packages to leave out.
        wheels: A folder with the wheels that are not on the index.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-header"]
    command += ["--python-platform", platform.uv_name, "--python-version", python]
    command += ["--only-binary", ":all:", "--find-links", str(wheels)]
    if question.is_constrained:
        command += ["--constraint", str(CONSTRAINTS)]
    done = subprocess.run(
        command,
        input="\n".join(lines_without(without, question.lists)),
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS},
    )
    if done.returncode == 0:
        return None
    return " ".join(done.stderr.split()) or f"uv ended with exit code {done.returncode}"


def findings(platform: Platform, python: str, wheels: Path) -> Iterator[str]:
    """What is not as it should be on a machine: something without a wheel, a gap that is none."""
    gaps = gaps_of(platform, python)
    left_out = [gap.package for gap in gaps]
    for question in QUESTIONS:
        failure = failure_of(platform, python, question, left_out, wheels)
        if failure is not None:
            yield failure
        for gap in gaps:
            others = [name for name in left_out if name != gap.package]
            if failure_of(platform, python, question, others, wheels) is None:
                yield f"{gap.package} has a wheel now: take it out of GAPS."


def cell_of(platform: Platform, python: str) -> str:
    """What the table says where everything is as it should be."""
    return ", ".join(gap.words for gap in gaps_of(platform, python)) or "yes"


def table_of(cells: Sequence[Sequence[str]]) -> str:
    """Write the table; one row of cells for each platform."""
    head = ["", *(f"Python {python}" for python in PYTHONS)]
    rows = [[each.name, *row] for each, row in zip(PLATFORMS, cells, strict=True)]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_table(text: str, table: str) -> str:
    """The document with its table replaced."""
    first, *_, last = re.finditer(r"^\|.*\n", text, re.MULTILINE)
    return text[: first.start()] + table + text[last.end() :]


def main() -> int:
    """Ask for every platform and version; the exit code is 1 if something is not as it should."""
    cells, n_found = list[list[str]](), 0
    with tempfile.TemporaryDirectory() as folder:
        tested = read_constraints()
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
            + [f"{name}=={tested[name]}" for name in BUILT_HERE],
            check=True,
        )
        for platform in PLATFORMS:
            cells.append([])
            for python in PYTHONS:
                found = list(findings(platform, python, Path(folder)))
                n_found += len(found)
                cells[-1].append("no" if found else cell_of(platform, python))
                for line in found or [cells[-1][-1]]:
                    sys.stderr.write(f"{platform.name}, Python {python}: {line}\n")
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(with_table(text, table_of(cells)), "utf-8", newline="\n")
    return int(n_found > 0)


if __name__ == "__main__":
    sys.exit(main())
