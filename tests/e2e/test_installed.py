"""The wheel, installed where no file of the clone can be read: its files, and both commands."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from difficmh_core import __version__
from tests.e2e.program import ROOT, running_program

pytestmark = pytest.mark.long

PHOTOS = {"astronaut.png", "cat.png", "coffee.png"}
NOT_OURS = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "runs", "results")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
GUARD = f"""\
import sys

def refuse(event, arguments):
    path = str(arguments[0]) if event == "open" else ""
    if path.startswith({str(ROOT)!r} + "/") and not path.startswith({sys.prefix!r} + "/"):
        raise PermissionError(13, "A file of the clone is read", path)

sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of the clone, so that building leaves nothing in it; it was built before."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT, folder, ignore=NOT_OURS, dirs_exist_ok=True)
    left = folder / "build" / "lib" / "ui" / "left.py"
    left.parent.mkdir(parents=True)
    left.touch()
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    return built(source, tmp_path_factory.mktemp("wheel"))


def built(source: Path, folder: Path) -> Path:
    """Build the wheel of a folder or archive, and return its path."""
    alone = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    subprocess.run([*PIP, "wheel", source, *alone, "--wheel-dir", folder], check=True)
    (path,) = folder.iterdir()
    return path


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def bin_dir(wheel, tmp_path_factory) -> Path:
    """The commands of a new environment, which takes other packages from the one at hand."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    bin_dir = folder / "bin"
    alone = ("--no-deps", "--no-index", "--quiet")
    subprocess.run([*PIP, "--python", bin_dir / "python", "install", wheel, *alone], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "guard_of_the_clone.py").write_text(GUARD)
    shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "shared.pth").write_text("\n".join(["import guard_of_the_clone", *shared]))
    return bin_dir


@pytest.fixture
def start(bin_dir, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command of the environment in a folder of its own."""

    def start(command, *words):
        line = [bin_dir / command, *map(str, words)]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)

    return start


def test_a_wheel_holds_the_package_and_nothing_else(wheel, source):
    package = source / "difficmh_core"
    files = [path for path in package.rglob("*") if path.is_file()]
    expected = {path.relative_to(source).as_posix() for path in files}
    expected |= {f"difficmh_core/ui/examples/{name}" for name in PHOTOS | {"CREDITS.md"}}
    names = names_in(wheel)
    about = f"difficmh-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(about)} == expected
    assert {f"{about}licenses/LICENSE", f"{about}entry_points.txt"} <= names
    assert {name.partition("/")[0] for name in names} == {"difficmh_core", about[:-1]}


def test_a_source_distribution_gives_the_same_wheel(wheel, source, tmp_path):
    program = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, check=True)
    (archive,) = tmp_path.iterdir()
    assert names_in(built(archive, tmp_path / "wheel")) == names_in(wheel)


def test_the_clone_cannot_be_read(start):
    readme = ROOT / "README.md"
    assert "A file of the clone" in start("python", "-c", f"open({str(readme)!r})").stderr
    told = start("python", "-c", "import difficmh_core; print(difficmh_core.__file__)")
    assert "site-packages" in told.stdout, told.stderr


@pytest.mark.parametrize("command", ["difficmh", "difficmh-page"])
def test_both_commands_tell_their_names_and_version(start, command):
    assert start(command, "--version").stdout == f"difficmh {__version__}\n"
    assert start(command, "--help").stdout.startswith(f"usage: {command} ")
    refused = start(command, "--colour")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.endswith(f"See `{command} --help`.\n")


def test_the_command_line_codes_and_decodes(start, tmp_path):
    with Image.open(ROOT / "examples" / "cat.png") as photo:
        photo.crop((0, 0, 128, 96)).save(tmp_path / "photo.png")
    encoded = start("difficmh", "encode", "photo.png", "file.dicmh", "--tags", "none")
    assert encoded.returncode == 0, encoded.stderr
    told = start("difficmh", "info", "file.dicmh").stdout
    assert f"{(tmp_path / 'file.dicmh').stat().st_size:,} bytes" in told
    words = ("decode", "file.dicmh", "picture.png", "--preset", "instant")
    decoded = start("difficmh", *words)
    assert decoded.returncode == 0, decoded.stderr
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size == (128, 96)


def test_the_page_offers_the_photographs_and_reads_uploads(bin_dir, tmp_path):
    words, python = [str(bin_dir / "difficmh-page")], str(bin_dir / "python")
    with running_program(tmp_path, words, python=python, cwd=tmp_path) as program:
        config = httpx.get(f"{program.url}config").text
        assert {name for name in PHOTOS if name in config} == PHOTOS
        client = Client(program.url, verbose=False)
        photo = handle_file(str(ROOT / "examples" / "cat.png"))
        _, facts = client.predict(photo, send_tags=False, api_name="/encode")
        assert (facts["width_px"], facts["height_px"]) == (451, 300)
        client.close()
