"""Packages: every one has bounds and a tested version, and what is installed is that version."""

import re

import pytest
from packaging.utils import canonicalize_name

from tests.constraints import (
    CONSTRAINTS,
    ROOT,
    installed_versions,
    read_constraints,
    read_requirements,
)

LOWER, UPPER = {">=", ">", "==", "~="}, {"<", "<=", "==", "~="}


@pytest.mark.parametrize("requirement", read_requirements(), ids=str)
def test_a_requirement_has_bounds_and_a_tested_version_within_them(requirement):
    operators = {bound.operator for bound in requirement.specifier}
    assert operators & LOWER, "the lower bound is missing"
    assert operators & UPPER, "the upper bound is missing"
    tested = read_constraints()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(tested)


def test_what_is_installed_is_what_was_tested():
    tested = read_constraints()
    installed = installed_versions(read_requirements())
    others = {
        name: f"{version} is installed, {tested.get(name, 'none')} was tested"
        for name, version in installed.items()
        if tested.get(name) != version and not is_part_of_cuda(name)
    }
    assert others == {}, "`make clean test` installs what was tested"


def is_part_of_cuda(name):
    """Whether torch brings this package along, in the version that it was built with."""
    return name.startswith(("nvidia-", "cuda-")) or name == "triton"


def test_constraints_name_versions_and_no_place():
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile"])
def test_every_installation_takes_the_tested_versions(name):
    text = (ROOT / name).read_text()
    installing = re.findall(r"-r requirements\S*\.txt.*", text)
    moving_on = [line for line in installing if "-c constraints.txt" not in line]
    assert len(installing) > len(moving_on)
    assert moving_on == (["-r requirements-dev.txt"] if name == "Makefile" else [])


def test_the_makefile_installs_again_when_a_list_changes():
    text = (ROOT / "Makefile").read_text()
    assert "$(VENV)/.installed: $(VENV)/.created requirements.txt constraints.txt\n" in text
    assert "$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt\n" in text


def test_the_space_runs_the_gradio_that_was_tested():
    front_matter = (ROOT / "README.md").read_text().split("---\n")[1]
    (version,) = re.findall(r"^sdk_version: (\S+)$", front_matter, re.MULTILINE)
    assert version == str(read_constraints()["gradio"])
