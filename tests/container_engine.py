"""Docker, or Podman with Buildah where no daemon answers, and a base image where no registry does.

Images are built and run by the same words with either. Podman is told what a machine without
systemd needs, and lends its own limits no higher than the machine's.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.constraints import ROOT

__all__ = ["Engine", "base_of", "engine_of", "make_base"]

_DEBIAN = "bookworm"
"""Whose Python is 3.11."""
_PACKAGES = "ca-certificates,libpython3-stdlib,python3,python3-pip"
_MOST_S = 3600


@dataclass(frozen=True, slots=True)
class Engine:
    """What builds and runs images.

    Attributes:
        name: For people.
        build: The command that builds, up to its options.
        client: The command of everything else.
        running: What every container needs on this machine.
        environment: Of both commands.
    """

    name: str
    build: tuple[str, ...]
    client: tuple[str, ...]
    running: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def call(self, command: Sequence[str], given: str | None = None) -> str:
        """Run a command of the engine and return what it prints.

        Args:
            command: Its words.
            given: What it reads.

        Raises:
            RuntimeError: If it fails; says how.
        """
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=_MOST_S,
            env={**os.environ, **self.environment},
        )
        if done.returncode != 0:
            end = "\n".join(f"{done.stdout}\n{done.stderr}".splitlines()[-15:])
            raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{end}")
        return done.stdout

    def has(self, image: str) -> bool:
        """Tell whether an image is in its store."""
        try:
            self.call([*self.client, "image", "inspect", image])
        except RuntimeError:
            return False
        return True

    def facts(self, image: str) -> dict[str, object]:
        """What it knows of an image."""
        (found,) = json.loads(self.call([*self.client, "image", "inspect", image]))
        return found

    def pulls(self, image: str) -> bool:
        """Fetch an image from a registry; tell whether that worked."""
        try:
            self.call([*self.client, "pull", "--quiet", image])
        except RuntimeError:
            return False
        return True

    def build_image(self, tag: str, arguments: Mapping[str, str]) -> None:
        """Build the Dockerfile as it stands, with this machine's settings of pip.

        They are lent as files, not written into the image.
        """
        words = [*self.build, "--network", "host", "--tag", tag]
        for name, value in arguments.items():
            words += ["--build-arg", f"{name}={value}"]
        with _pip_settings() as lent:
            if "buildah" in self.build[0]:
                words += [word for path in lent for word in ("--volume", path)]
            self.call([*words, str(ROOT)])

    @contextmanager
    def running_image(self, image: str, words: Sequence[str]) -> Iterator[str]:
        """Run an image in the background, yield the container's name, and remove it."""
        started = [*self.client, "run", "--detach", *self.running, *words, image]
        name = self.call(started).strip()
        try:
            yield name
        finally:
            self.call([*self.client, "rm", "--force", name])

    def inside(self, container: str, command: Sequence[str], given: str | None = None) -> str:
        """Run a command in a container; as :meth:`call`."""
        return self.call([*self.client, "exec", "--interactive", container, *command], given)


def engine_of() -> Engine:
    """Docker if its daemon answers, or else Podman with Buildah.

    Raises:
        RuntimeError: If there is neither.
    """
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60)
        if asked.returncode == 0:
            return Engine("Docker", ("docker", "build"), ("docker",))
    if not (shutil.which("podman") and shutil.which("buildah") and shutil.which("runc")):
        raise RuntimeError(
            "No container engine was found. Start Docker, or install podman, buildah and runc."
        )
    limits = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
    return Engine(
        "Podman",
        # Docker's format, since the other one has no HEALTHCHECK.
        ("buildah", "bud", "--pull=false", "--format", "docker"),
        ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"),
        running=limits,
        environment={"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"},
    )


def base_of(dockerfile: str) -> str:
    """The image that a Dockerfile begins with.

    >>> base_of("FROM python:3.11-slim\\n")
    'docker.io/library/python:3.11-slim'
    """
    (name,) = re.findall(r"^FROM (\S+)$", dockerfile, re.MULTILINE)
    return f"docker.io/library/{name}"


def make_base(engine: Engine, tag: str) -> None:
    """Make an image with the same commands out of Debian's packages, without its documents.

    Debian's Python lies in other folders than that of the published image, and is as old.

    Raises:
        RuntimeError: If a program is absent or fails.
    """
    if engine.name != "Podman" or not shutil.which("debootstrap"):
        raise RuntimeError(f"{tag} could not be fetched, and Podman and debootstrap, which would "
                           "make it, are not at hand.")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        words = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _DEBIAN, folder]
        engine.call(words)
        root = Path(folder)
        for part in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt"):
            shutil.rmtree(root / part)
        shutil.rmtree(root / "var/lib/apt/lists")
        for managed in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            managed.unlink()
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        packed = Path(folder + ".tar")
        try:
            engine.call(["tar", "--create", f"--file={packed}", f"--directory={folder}", "."])
            engine.call([*engine.client, "import", "--change", "CMD=python3", str(packed), tag])
        finally:
            packed.unlink(missing_ok=True)


@contextmanager
def _pip_settings() -> Iterator[list[str]]:
    """What pip is set to here, as files for a build: its settings, and what these name."""
    told = subprocess.run(
        ["python3", "-m", "pip", "config", "list"], capture_output=True, encoding="utf-8",
        check=True,
    ).stdout  # fmt: skip
    settings = dict(re.findall(r"^(?:global|:env:)\.([\w-]+)='(.*)'$", told, re.MULTILINE))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pip.conf")
        lines = [f"{key} = {value}" for key, value in settings.items()]
        file.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
        words = " ".join(settings.values()).replace("file://", "").split()
        named = {Path(word) for word in words if word.startswith("/")}
        # The folder, since an index names files beside itself.
        folders = {path.parent if path.name == "simple" else path for path in named}
        paths = sorted(str(path) for path in folders if path.exists())
        yield [f"{file}:/etc/pip.conf:ro", *(f"{path}:{path}:ro" for path in paths)]
