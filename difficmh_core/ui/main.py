"""Start the page: read arguments, load the codec once, build the page, launch."""

import argparse
import importlib.util
import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from difficmh_core.errors import ConfigError, DiffICMHError
from difficmh_core.ui.arguments import parse_arguments
from difficmh_core.ui.runtime.own_folder import own_folder
from difficmh_core.ui.server.listening import server_name

LOGGER = logging.getLogger("difficmh")
GRACE_S = 3.0
"""So long may answers that are under way take once the page is asked to end [s]."""


def main() -> int:
    """Run the page until it is asked to end; return the exit code."""
    arguments = parse_arguments()  # first: a wrong word is answered before torch is loaded
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if importlib.util.find_spec("spaces"):  # lends GPUs on a Space; must come before torch
        import spaces  # noqa: F401
    try:
        with own_folder():
            return run(arguments)
    except DiffICMHError as error:
        LOGGER.error("%s", error)
        return 1


def run(arguments: argparse.Namespace) -> int:
    """Load all that the page needs, and serve it; return the exit code.

    Raises:
        DiffICMHError: If the codec cannot be loaded.
    """
    # Gradio opens what this names to see whether a port is free, and can only open IPv4.
    os.environ.pop("GRADIO_SERVER_NAME", None)
    from difficmh_core.picture_pool import PicturePool

    with PicturePool() as pictures:  # its processes start while the codec is loaded
        return serve(build(arguments, pictures.read), arguments)


def build(arguments: argparse.Namespace, read: Callable[..., Any]) -> Any:  # noqa: ANN401 (ui.Page)
    """Load the codec, fetch the weights beside it, and build the page.

    Args:
        arguments: Of the command line.
        read: Reads visitors' pictures.

    Raises:
        DiffICMHError: If the codec cannot be loaded.
    """
    import torch

    from difficmh_core.models.load import cost_notice, load_codec
    from difficmh_core.ui.page import build_page
    from difficmh_core.ui.runtime.cache import ResultCache
    from difficmh_core.ui.showcase import example_photos, showcase_dir

    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    n_gpus = torch.cuda.device_count()
    if device != "cpu" and (torch.device(device).index or 0) >= n_gpus:
        raise ConfigError(f"There is no device {device!r}; CUDA finds {n_gpus} GPUs. Use cpu.")
    codec = load_codec(
        arguments.profile, device=device, cache_dir=arguments.cache_dir, rate=arguments.rate
    )
    fetch_weights(arguments.cache_dir)
    return build_page(
        codec,
        read=read,
        max_pixels=arguments.max_pixels,
        examples=example_photos(),
        notice=cost_notice(arguments.profile, device),
        results=ResultCache(showcase_dir(arguments.cache_dir)),
        weights_dir=arguments.cache_dir,
    )


def serve(page: Any, arguments: argparse.Namespace) -> int:  # noqa: ANN401 (as above)
    """Serve the page until the process is asked to end; return the exit code."""
    import httpx

    if arguments.accounts:
        LOGGER.info("Only users with a password are let in; assistants (MCP) have none.")
    try:
        page.launch(
            max_queue=arguments.max_queue,
            max_upload_mb=arguments.max_upload,
            fetches=arguments.fetch_urls,
            framed_by=arguments.framed_by,
            root_path=arguments.root_path,
            server_name=server_name(arguments.host),
            server_port=arguments.port,
            share=arguments.share,
            accounts=arguments.accounts,
            prevent_thread_lock=True,
        )
    except OSError:
        port = arguments.port or "from 7860 on"
        LOGGER.error("Port %s was free before and is in use now. Choose another: --port.", port)
        return 2
    except httpx.TransportError as error:
        LOGGER.error(
            "The page cannot be reached on %s: %s. If this machine has an HTTP proxy, name the "
            "host in the environment variable NO_PROXY.",
            arguments.host,
            error,
        )
        return 2
    until_asked_to_end()
    end(page.demo.close)
    return 0


def until_asked_to_end() -> None:
    """Wait for Ctrl-C, or for the system to end the process (SIGINT, SIGTERM)."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    while not asked.wait(timeout=1.0):  # a wait without an end takes no signal on Windows
        continue


def end(close: Callable[..., None]) -> None:
    """Close the page; work under way ends with its step, or with the process."""
    from difficmh_core.ui.runtime import worker

    worker.stop()
    closing = threading.Thread(target=close, kwargs={"verbose": False}, daemon=True)
    closing.start()
    closing.join(GRACE_S)


def fetch_weights(cache_dir: Path) -> None:
    """Get the weights of tagger and measures where missing; the page works without them."""
    from difficmh_core.weights.cache import FetchProgress, FetchState, fetch_all
    from difficmh_core.weights.cards import PACKAGE_CARDS

    def log(progress: FetchProgress) -> None:
        if progress.state is FetchState.DOWNLOADING:
            LOGGER.info("Fetching %s", progress.card.purpose)

    try:
        fetch_all(PACKAGE_CARDS, cache_dir, on_progress=log)
    except DiffICMHError as error:
        LOGGER.warning("%s The page says what is missing.", error)


def leave() -> None:
    """Run the page, then end the process at once: a step under way is of no use to anybody."""
    code = main()
    logging.shutdown()
    os._exit(code)
