"""Packages: every one has bounds and a tested version, and what is installed is that version."""

import re

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.constraints import (
    CONSTRAINTS,
    ROOT,
    Line,
    installed_versions,
    moved_on,
    read_constraints,
    read_lines,
    read_requirements,
)

LOWER, UPPER = {">=", ">", "==", "~="}, {"<", "<=", "==", "~="}


@pytest.mark.parametrize("requirement", read_requirements(), ids=str)
def test_a_requirement_has_bounds_and_a_tested_version_within_them(requirement):
    operators = {bound.operator for bound in requirement.specifier}
    assert operators & LOWER, "the lower bound is missing"
    assert operators & UPPER, "the upper bound is missing"
    name = canonicalize_name(requirement.name)
    tested = [line.version for line in read_lines() if line.name == name]
    assert any(map(requirement.specifier.contains, tested))


def test_what_is_installed_is_what_was_tested():
    tested = read_constraints()
    installed = installed_versions(read_requirements())
    others = {
        name: f"{version} is installed, {tested.get(name, 'none')} was tested"
        for name, version in installed.items()
        if tested.get(name) != version
    }
    assert others == {}, "`make clean test` installs what was tested"


def test_constraints_name_versions_and_no_place():
    text = CONSTRAINTS.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+(; [^;@]+)?", line) for line in lines)
    assert lines == sorted(lines) == [str(line) for line in read_lines()]


def test_constraints_move_on_where_they_hold_and_stay_elsewhere():
    here, elsewhere = 'python_version >= "3"', 'python_version < "3"'
    lines = [
        Line("gone", Version("1")),
        Line("numpy", Version("1"), elsewhere),
        Line("numpy", Version("2"), here),
        Line("pillow", Version("3")),
    ]
    installed = {"numpy": Version("4"), "pillow": Version("5"), "new": Version("6")}
    assert moved_on(lines, installed) == [
        Line("new", Version("6")),
        Line("numpy", Version("1"), elsewhere),
        Line("numpy", Version("4"), here),
        Line("pillow", Version("5")),
    ]


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile"])
def test_every_installation_takes_the_tested_versions(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    installing = re.findall(r"-r requirements\S*\.txt.*", text)
    moving_on = [line for line in installing if "-c constraints.txt" not in line]
    assert len(installing) > len(moving_on)
    assert moving_on == (["-r requirements-dev.txt"] if name == "Makefile" else [])


def test_the_makefile_installs_again_when_a_list_changes():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(VENV)/.installed: $(VENV)/.created requirements.txt constraints.txt\n" in text
    assert "$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt\n" in text


def test_the_space_runs_the_gradio_that_was_tested():
    front_matter = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    (version,) = re.findall(r"^sdk_version: (\S+)$", front_matter, re.MULTILINE)
    assert version == str(read_constraints()["gradio"])
