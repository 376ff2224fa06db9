"""Start the page: read arguments, load the codec once, build the page, launch."""

import argparse
import importlib.util
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from difficmh_core.errors import ConfigError, DiffICMHError
from difficmh_core.ui.arguments import parse_arguments
from difficmh_core.ui.runtime.own_folder import own_folder
from difficmh_core.ui.server.listening import open_port, server_name

if TYPE_CHECKING:
    from difficmh_core.codec import DiffICMHCodec

LOGGER = logging.getLogger("difficmh")
GRACE_S = 3.0
"""So long may answers that are under way take once the page is asked to end [s]."""


def main() -> int:
    """Run the page until it is asked to end; return the exit code."""
    arguments = parse_arguments()  # first: a wrong word is answered before torch is loaded
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
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
    # Lends GPUs on a Space. It must come before torch, and imports Gradio, which reads there and
    # then what the environment says.
    if importlib.util.find_spec("spaces"):
        import spaces  # noqa: F401
    if arguments.present:
        return present(arguments)
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
    from difficmh_core.config.profiles import profile_of
    from difficmh_core.models.deferred import DeferredCodec
    from difficmh_core.models.load import cost_notice
    from difficmh_core.ui.page import build_page
    from difficmh_core.ui.runtime.cache import ResultCache
    from difficmh_core.ui.runtime.gpu import borrows_gpu
    from difficmh_core.ui.showcase import example_photos, showcase_dir

    device = device_of(arguments)
    profile, load = profile_of(arguments.profile), partial(load_networks, arguments, device)
    # Weights that may be absent, or are of a rate, are looked at before the page is there; and
    # what moves to borrowed GPUs must be loaded by then, on the main thread.
    is_deferred = profile.is_packaged and not borrows_gpu()
    codec = DeferredCodec(profile.config, load) if is_deferred else load()
    return build_page(
        codec,
        read=read,
        max_pixels=arguments.max_pixels,
        examples=example_photos(),
        notice=cost_notice(arguments.profile, device),
        results=ResultCache(showcase_dir(arguments.cache_dir)),
        weights_dir=arguments.cache_dir,
    )


def device_of(arguments: argparse.Namespace) -> str:
    """Name the device that the networks run on: the one asked for, else a GPU if there is one.

    Raises:
        ConfigError: If there is no such device.
    """
    import torch

    device: str = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    n_gpus = torch.cuda.device_count()
    if device != "cpu" and (torch.device(device).index or 0) >= n_gpus:
        raise ConfigError(f"There is no device {device!r}; CUDA finds {n_gpus} GPUs. Use cpu.")
    return device


def load_networks(arguments: argparse.Namespace, device: str) -> "DiffICMHCodec":
    """Load the codec, and fetch the weights beside it.

    Raises:
        DiffICMHError: If the codec cannot be loaded.
    """
    from difficmh_core.models.load import load_codec

    folder = arguments.cache_dir
    codec = load_codec(arguments.profile, device=device, cache_dir=folder, rate=arguments.rate)
    fetch_weights(folder)
    return codec


def present(arguments: argparse.Namespace) -> int:
    """Show the examples as a talk until the process is asked to end; return the exit code.

    Raises:
        DiffICMHError: If the codec cannot be loaded, or an example not be coded.
    """
    from difficmh_core.ui.present import texts
    from difficmh_core.ui.present.serving import app_of, serving
    from difficmh_core.ui.present.talk import prepare_talk
    from difficmh_core.ui.runtime.cache import ResultCache
    from difficmh_core.ui.showcase import example_photos, showcase_dir

    with open_port(arguments.host, arguments.port) as opened:  # before anything slow
        talk = prepare_talk(
            load_networks(arguments, device_of(arguments)),
            example_photos(),
            results=ResultCache(showcase_dir(arguments.cache_dir)),
            weights_dir=arguments.cache_dir,
            tell=LOGGER.info,
        )
        public_host = urlsplit(arguments.root_path).netloc
        app = app_of(talk, framed_by=arguments.framed_by, public_host=public_host)
        with serving(app, opened):
            port = opened.getsockname()[1]
            LOGGER.info(texts.READY.format(url=f"http://{server_name(arguments.host)}:{port}"))
            until_asked_to_end()
    return 0


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
    threading.Thread(target=warm_up, args=(page,), name="warm-up", daemon=True).start()
    until_asked_to_end()
    end(page.demo.close)
    return 0


def warm_up(page: Any) -> None:  # noqa: ANN401 (as above)
    """Wait for the model, and learn how fast it is here."""
    try:
        page.warm_up()
    except DiffICMHError as error:  # the page says so, too
        LOGGER.error("%s", error)


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
    for process in multiprocessing.active_children():  # they borrowed a GPU, and would stay
        process.kill()
    logging.shutdown()
    os._exit(code)
