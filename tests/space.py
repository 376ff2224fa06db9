"""The page started as a Hugging Face Space starts it: ``python -m tests.space``, on Linux.

Installs what the front matter of the README and ``requirements.txt`` say, and nothing else, into
an environment of its own, with the package ``spaces``, which every Space has. Then it starts
``app.py`` in a copy of the tracked files: once as on a Space without a GPU, once on ZeroGPU, where
something answers for what lends GPUs. No GPU is behind it, so that what is computed on one is
computed on the CPU (:mod:`tests.lent_gpu`). The home folder takes no files but in the folders of
the cache and of ``spaces``. It takes some minutes and, with torch's CUDA packages, 7 GB of disk.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.constraints import ROOT
from tests.space_settings import as_a_space, front_matter, on_zero_gpu
from tests.zero_gpu import Answer, Lender, running_lender

PHOTO = ROOT / "examples" / "cat.png"
LONGEST_START_S = 600
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Root without the privilege to write where the mode of a folder forbids it."""
CALLED_CUDA = "Low-level CUDA init"
"""What ``spaces`` says when the page calls CUDA before it has a GPU."""


def say(line: str) -> None:
    """Print a line at once."""
    sys.stderr.write(f"{line}\n")


def install(environment: Path, python: str) -> None:
    """Install what a Space installs."""
    subprocess.run([python, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    version = front_matter()["sdk_version"]
    wanted = [f"gradio[oauth,mcp]=={version}", "spaces"]
    subprocess.run([*pip, "-r", str(ROOT / "requirements.txt"), *wanted], check=True)


def copy_tracked_files(folder: Path) -> None:
    """Copy what a push brings to the hub, but for the Makefile, which nothing there calls."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if name != "Makefile" and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@contextmanager
def running_space(
    python: Path, home: Path, settings: Mapping[str, str], words: Sequence[str]
) -> Iterator[str]:
    """Start the page, yield its address once it answers, and end it.

    Args:
        python: Of the Space's environment.
        home: The home folder, with the files in ``app``.
        settings: The environment's variables.
        words: What Python is told.

    Raises:
        RuntimeError: If it does not answer; holds the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        **{name: value for name, value in os.environ.items() if name.startswith("SSL_CERT_")},
        **settings,
        "HOME": str(home),
        "GRADIO_SERVER_PORT": str(port),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(home / "app"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log, url = home.with_suffix(".log"), f"http://127.0.0.1:{port}/"
    privileges = UNPRIVILEGED if os.geteuid() == 0 else ()
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [*privileges, str(python), *words],
            cwd=home / "app",
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=5)
            except OSError as error:
                is_over = time.monotonic() - started > LONGEST_START_S
                if is_over or process.poll() is not None:
                    told = log.read_text(encoding="utf-8")[-3000:]
                    raise RuntimeError(f"The page did not start:\n{told}") from error
                time.sleep(0.5)
            else:
                break
        say(f"The page answers after {time.monotonic() - started:.1f} s.")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def decoded(url: str) -> bytes:
    """Encode the photograph, decode its file, and return the picture's PNG."""
    client = Client(url, verbose=False, headers={"X-IP-Token": "a.e30.b"})
    file, _ = client.predict(handle_file(str(PHOTO)), api_name="/encode")
    picture, told = client.predict(handle_file(file), "fast", api_name="/decode")
    say(f"Encoded to {Path(file).stat().st_size:,} bytes, decoded in {told['seconds']:.1f} s.")
    client.close()
    return Path(picture).read_bytes()


def refusal(url: str) -> str:
    """What a visitor is told who asks for an encoding and gets none; empty if there is a file."""
    client = Client(url, verbose=False, headers={"X-IP-Token": "a.e30.b"})
    try:
        client.predict(handle_file(str(PHOTO)), api_name="/encode")
    except AppError as error:
        return str(error)
    finally:
        client.close()
    return ""


def use_zero_gpu(url: str, lender: Lender, expected: bytes) -> list[str]:
    """Use the page on lent GPUs; return what is not as it should be."""
    findings = list[str]()
    if lender.n_reported != 1:
        findings.append("The page did not report that it has events which borrow GPUs.")
    if decoded(url) != expected:
        findings.append("On ZeroGPU the picture is another one.")
    say(f"GPUs were asked for: {lender.seconds} s.")
    for answer in (Answer.NONE_FREE, Answer.OVER_QUOTA, Answer.TOO_LONG):
        lender.answer = answer
        told = refusal(url)
        say(f"{answer}: {told}")
        if " " not in told:
            findings.append(f"When the answer is {answer!s}, the visitor reads {told!r}.")
    lender.answer = Answer.LENT
    if told := refusal(url):
        findings.append(f"After refusals nobody is served any more: {told}")
    return findings


def rehearse(python: Path, folder: Path) -> list[str]:
    """Start the page three times, and return what is not as it should be."""
    home, findings = folder / "home", list[str]()
    copy_tracked_files(home / "app")
    for writable in (home / ".cache", home / ".zerogpu"):
        writable.mkdir()
    home.chmod(0o555)
    app = front_matter()["app_file"]
    log = home.with_suffix(".log")
    say("A Space without a GPU:")
    with running_space(python, home, as_a_space(), [app]) as url:
        picture = decoded(url)
    with running_lender() as lender:
        settings = as_a_space() | on_zero_gpu(lender.url, folder)
        say("ZeroGPU, each process on the CPU instead of its GPU:")
        with running_space(python, home, settings, ["-m", "tests.lent_gpu", app]) as url:
            findings += use_zero_gpu(url, lender, picture)
        say("ZeroGPU, nothing replaced, and the lent GPU broken:")
        with running_space(python, home, settings, [app]) as url:
            say(f"The visitor is told: {refusal(url)}")
    if CALLED_CUDA in log.read_text(encoding="utf-8"):
        findings.append("The page calls CUDA before it has a GPU.")
    return findings


def main() -> int:
    """Install and rehearse; the exit code is 1 if something is not as it should be."""
    wanted = front_matter()["python_version"]
    parser = argparse.ArgumentParser(prog="python -m tests.space", description=__doc__)
    parser.add_argument("--python", default=f"python{wanted}", help="default: %(default)s")
    parser.add_argument("--environment", type=Path, help="made here, or taken if it is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = arguments.environment or Path(folder, "environment")
        if not environment.exists():
            started = time.monotonic()
            install(environment, arguments.python)
            say(f"Installed in {time.monotonic() - started:.0f} s.")
        python = environment / "bin" / "python"
        version = subprocess.check_output([python, "--version"], encoding="utf-8")
        say(version.strip())
        findings = rehearse(python, Path(folder))
        if not version.startswith(f"Python {wanted}."):
            findings.append(f"The Space would have Python {wanted}.")
    for finding in findings:
        say(finding)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
