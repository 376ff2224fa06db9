"""The image, built and run as the Dockerfile says: ``python -m tests.container`` measures it.

It builds the Dockerfile, looks for what has no place in the image, and starts it as a public host
would: no user of privileges, nothing writable but a folder in memory, 3 GB of memory, and no
network at all. Once the health check passes, a program inside encodes and decodes a photograph by
the page's endpoints, and the command line in the same image does the same: both must give the
same file and the same pixels. It takes some minutes, and a container engine; where no registry of
images is in reach, a base image of Debian's packages stands in for the published one.
"""

import argparse
import json
import sys
import time

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.constraints import ROOT
from tests.container_engine import Engine, base_of, engine_of, make_base

TAG = "localhost/difficmh:measured"
MOST_BYTES = 2_200_000_000
"""Of the image for CPUs."""
PUBLIC = (
    "--read-only", "--memory", "3g", "--pids-limit", "512", "--cap-drop", "ALL",
    "--security-opt", "no-new-privileges", "--network", "none", "--tmpfs", "/tmp",
)  # fmt: skip
LONGEST_START_S = 180
COMPILERS = ("as", "c++", "cc", "clang", "g++", "gcc", "go", "ld", "make", "nvcc", "rustc", "tcc")
NEEDED_ANYWAY = ("pyyaml",)
"""By Gradio, and by tests for themselves."""
_PYTHON = ["python", "-"]
INSPECT = """
import json, os, pathlib, shutil, sys
from importlib import metadata

compilers, packages = json.loads(sys.argv[1])
roots = [pathlib.Path("/", name) for name in set(os.listdir("/")) - {"proc", "sys", "dev"}]
files = [pathlib.Path(folder, name) for root in roots for folder, _, names in os.walk(root)
         for name in names]
headers = [str(path) for path in files if path.suffix in (".h", ".hpp", ".cuh")]
installed = {each.name.lower().replace("_", "-") for each in metadata.distributions()}
sizes = {}
for each in metadata.distributions():
    paths = [each.locate_file(path) for path in each.files or ()]
    sizes[each.name] = sum(path.stat().st_size for path in paths if path.is_file())
print(json.dumps({
    "compilers": [name for name in compilers if shutil.which(name)],
    "headers": headers,
    "tests": sorted(installed & set(packages)),
    "largest": sorted(sizes.items(), key=lambda item: -item[1])[:12],
}))
"""
"""Run inside: what the image holds."""
USE = """
import json, os, pathlib, subprocess, sys
import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

photo, made = sys.argv[1], pathlib.Path("/tmp/made")
client = Client("http://127.0.0.1:7860/", verbose=False, download_files="/tmp/downloaded")
file, facts = client.predict(handle_file(photo), api_name="/encode")
picture, decoded = client.predict(handle_file(file), "fast", api_name="/decode")
peaks = {}
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    if "VmHWM" in status and folder.name != str(os.getpid()):
        peaks[folder.name] = int(status["VmHWM"].split()[0]) * 1024
made.mkdir()
command = [sys.executable, "-m", "difficmh_core"]
subprocess.run([*command, "encode", photo, made / "a.dicmh"], check=True, stdout=sys.stderr)
words = [made / "a.dicmh", made / "a.png", "--preset", "fast"]
subprocess.run([*command, "decode", *words], check=True, stdout=sys.stderr)
ours, theirs = np.asarray(Image.open(made / "a.png")), np.asarray(Image.open(picture))
print(json.dumps({
    "n_bytes": facts["n_bytes"],
    "seconds": decoded["seconds"],
    "same_file": (made / "a.dicmh").read_bytes() == pathlib.Path(file).read_bytes(),
    "same_pixels": ours.shape == theirs.shape and bool((ours == theirs).all()),
    "peaks": peaks,
}))
"""
"""Run inside: the page's endpoints, then the same on the command line."""


def packages_for_tests() -> list[str]:
    """What only tests and development need."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return [canonicalize_name(each.name) for each in wanted if each.name not in NEEDED_ANYWAY]


def seconds_until_healthy(engine: Engine, image: str, container: str) -> float:
    """Wait for the image's own health check [s]; Docker keeps it elsewhere than Podman.

    Raises:
        TimeoutError: If it does not pass; holds the end of the log.
    """
    facts = engine.facts(image)
    check = (facts.get("Healthcheck") or facts["Config"]["Healthcheck"])["Test"][1:]
    started = time.monotonic()
    while time.monotonic() - started < LONGEST_START_S:
        try:
            engine.inside(container, check)
        except RuntimeError:
            time.sleep(0.5)
            continue
        return time.monotonic() - started
    log = engine.call([*engine.client, "logs", container])
    raise TimeoutError(f"not healthy after {LONGEST_START_S} s:\n{log[-2000:]}")


def megabytes(n_bytes: int) -> str:
    """Write a size [10**6 bytes].

    >>> megabytes(2_200_000_000)
    '2,200 MB'
    """
    return f"{n_bytes / 1e6:,.0f} MB"


def build(engine: Engine, torch_index: str) -> None:
    """Build the image on the published base, or on one of Debian's packages."""
    base = base_of((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    if not engine.has(base) and not engine.pulls(base):
        say(f"No registry has {base} for us: it is made of Debian's packages.")
        make_base(engine, base)
    started = time.monotonic()
    engine.build_image(TAG, {"TORCH_INDEX": torch_index})
    say(f"Built by {engine.name} in {time.monotonic() - started:.0f} s.")
    say(f"Base: {megabytes(engine.facts(base)['Size'])}.")


def measure(engine: Engine) -> list[str]:
    """Run the image and print what is measured; return what is not as it should be."""
    findings = list[str]()
    size = engine.facts(TAG)["Size"]
    say(f"Image: {megabytes(size)}.")
    if size > MOST_BYTES:
        findings.append(f"The image takes more than {megabytes(MOST_BYTES)}.")
    with engine.running_image(TAG, PUBLIC) as container:
        say(f"Healthy after {seconds_until_healthy(engine, TAG, container):.1f} s.")
        user = engine.inside(container, ["id", "--user"]).strip()
        if user == "0":
            findings.append("The page runs as root.")
        used = json.loads(engine.inside(container, [*_PYTHON, "examples/coffee.png"], USE))
        peak = sum(used["peaks"].values())
        say(f"A photo of {used['n_bytes']:,} bytes decoded in {used['seconds']:.1f} s (fast).")
        say(f"Peak memory of the page's {len(used['peaks'])} processes: {megabytes(peak)}.")
        if not used["same_file"]:
            findings.append("The page and the command line encode to different files.")
        if not used["same_pixels"]:
            findings.append("The page and the command line decode to different pixels.")
        asked = json.dumps([COMPILERS, packages_for_tests()])
        held = json.loads(engine.inside(container, [*_PYTHON, asked], INSPECT))
    for name, n_bytes in held.pop("largest"):
        say(f"  {name}: {megabytes(n_bytes)}")
    findings += [f"The image holds {kind}: {found[:5]}" for kind, found in held.items() if found]
    return findings


def say(line: str) -> None:
    """Print a line at once."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Build, run and measure; the exit code is 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.container", description=__doc__)
    parser.add_argument(
        "--torch-index",
        default="https://download.pytorch.org/whl/cpu",
        help="where torch's wheels for CPUs are; empty where pip finds them by itself",
    )
    parser.add_argument("--keep", action="store_true", help="keep the image")
    parser.add_argument("--built", action="store_true", help="take the image of an earlier run")
    arguments = parser.parse_args()
    engine = engine_of()
    if not arguments.built:
        build(engine, arguments.torch_index)
    try:
        findings = measure(engine)
    finally:
        if not arguments.keep:
            engine.call([*engine.client, "rmi", TAG])
    for finding in findings:
        say(finding)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
