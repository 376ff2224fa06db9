"""The repository stays small, and its files short; each says what it is."""

import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 350
MOST_BYTES = 60 * 2**20


def kept_files():
    """What git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this copy of the project is not a git repository")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_source_file_is_short():
    suffixes = {".py", ".js", ".css", ".sh"}
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in kept_files()
        if path.suffix in suffixes
    }
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_a_clone_is_quick():
    assert sum(path.stat().st_size for path in kept_files()) < MOST_BYTES


def first_line_of_its_docstring(path):
    # Not by `ast`: in Python 3.11 its count of recursion is shared by all threads of a process
    # (CPython issue 106905), and a thread that an earlier test left can upset it.
    kinds_before_code = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL}
    with path.open("rb") as file:
        first = next(
            t for t in tokenize.tokenize(file.readline) if t.type not in kinds_before_code
        )
    is_docstring = first.type == tokenize.STRING and first.string.startswith('"""')
    return (
        first.string.removeprefix('"""').split("\n")[0].removesuffix('"""') if is_docstring else ""
    )


def test_every_source_file_says_what_it_is():
    folders = ("difficmh_core", "examples", "benchmarks")
    files = [ROOT / "app.py", *(path for name in folders for path in (ROOT / name).rglob("*.py"))]
    assert len(files) > 100
    for path in files:
        line = first_line_of_its_docstring(path)
        assert line, path
        assert len(line) < 99, path
        assert not line.startswith("This module"), path


_TEXT_CALL = re.compile(
    r"(?:read_text|write_text)\((?P<a>[^()]*(?:\([^()]*\)[^()]*)*)\)"
    r"|(?<!tarfile\.)\bopen\((?P<b>(?:[^()]*, )?(?:mode=)?\"[rwax]\+?t?\"[^()]*)\)"
    r"|(?P<c>[^()]*\btext=True[^()]*)"
)


def test_every_text_names_its_encoding():
    """Without a name, it would be another one on Windows."""
    folders = ("difficmh_core", "examples", "benchmarks")
    files = [ROOT / "app.py", *(path for name in folders for path in (ROOT / name).rglob("*.py"))]
    calls = [
        (path.relative_to(ROOT).as_posix(), match[0])
        for path in files
        for match in _TEXT_CALL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(calls) > 20
    named = re.compile(r'encoding="|"(utf-8|ascii)"')
    assert [call for call in calls if not named.search(call[1])] == []


def test_no_folder_only_forwards():
    for package in ROOT.glob("difficmh_core/**/__init__.py"):
        others = [path for path in package.parent.glob("*.py") if path != package]
        assert others, f"{package.parent} holds nothing but its __init__.py"


def test_the_license_is_apache_2():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_continuous_integration_runs_what_people_run():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test test-all" in script.read_text()
