"""The page with the published system, up to a decoded picture."""

import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image

from benchmarks.full_size.measuring import Cost, memory_of
from benchmarks.full_size.setup import FIRST_RATE, ROOT, Setup, StepError
from tests.hub_server import Hub

__all__ = ["decode_on_the_page"]

_START_S, _STEPS = 900, 2


def decode_on_the_page(setup: Setup, _: Hub) -> tuple[Cost | None, str]:
    """Start the page, encode and decode a picture over HTTP, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*setup.page, "--profile", "sd21", "--rate", str(FIRST_RATE)]
    command += ["--port", str(port), "--cache-dir", str(setup.cache)]
    log, began = setup.folder / "page.log", time.perf_counter()
    environment = os.environ | {"GRADIO_TEMP_DIR": str(setup.folder / "page")}
    with log.open("w", encoding="utf-8") as said:
        page = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        started = _wait(f"http://127.0.0.1:{port}/", page, log)
        client = Client(f"http://127.0.0.1:{port}/", verbose=False)
        photo = handle_file(str(setup.picture("small")))
        file, facts = client.predict(photo, api_name="/encode")
        shown, _facts = client.predict(
            handle_file(file), steps=_STEPS, guidance_scale=2.0, api_name="/decode"
        )
        with Image.open(shown) as decoded:
            size = decoded.size
        if size != setup.sizes["small"] or facts["profile"] != "sd21":
            raise StepError(f"the page decoded a picture of {size}, {facts}")
        memory, cpu_seconds = memory_of(page.pid), _cpu_seconds(page.pid)
        client.close()
    finally:
        page.terminate()
        page.wait(timeout=60)
    cost = Cost(
        seconds=time.perf_counter() - began,
        cpu_seconds=cpu_seconds,
        peak_gb=memory["VmHWM"],
        own_gb=memory["RssAnon"],
        code=0,
        out="",
        said="",
    )
    return cost, f"answered after {started:.0f} s; {_STEPS} guided steps"


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _wait(url: str, page: "subprocess.Popen[bytes]", log: Path) -> float:
    """Wait until the page answers; how long that took [s]."""
    began = time.perf_counter()
    while time.perf_counter() - began < _START_S and page.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            time.sleep(0.5)
        else:
            return time.perf_counter() - began
    said = log.read_text(encoding="utf-8")
    raise StepError(f"the page did not start: {said[-500:]}")
