"""Start the page: read arguments, load the codec once, build the page, launch."""

import argparse
import importlib.util
import logging
import os
from pathlib import Path
from typing import Any

from difficmh_core.errors import ConfigError, DiffICMHError
from ui.arguments import parse_arguments
from ui.listening import server_name

LOGGER = logging.getLogger("difficmh")


def main() -> int:
    """Run the page until it is interrupted; return the exit code."""
    arguments = parse_arguments()  # first: a wrong word is answered before torch is loaded
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if importlib.util.find_spec("spaces"):  # lends GPUs on a Space; must come before torch
        import spaces  # noqa: F401
    try:
        demo = build_page(arguments)
    except DiffICMHError as error:
        LOGGER.error("%s", error)
        return 1
    return serve(demo, arguments)


def build_page(arguments: argparse.Namespace) -> Any:  # noqa: ANN401 (Gradio is not loaded yet)
    """Return the page, with the codec loaded and the weights beside it fetched.

    Raises:
        DiffICMHError: If the codec cannot be loaded.
    """
    # Gradio opens what this names to see whether a port is free, and can only open IPv4.
    os.environ.pop("GRADIO_SERVER_NAME", None)
    import torch

    from difficmh_core.profiles import cost_notice, load_codec
    from ui.page import build_demo
    from ui.result_cache import ResultCache
    from ui.showcase import example_photos, showcase_dir

    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    n_gpus = torch.cuda.device_count()
    if device != "cpu" and (torch.device(device).index or 0) >= n_gpus:
        raise ConfigError(f"There is no device {device!r}; CUDA finds {n_gpus} GPUs. Use cpu.")
    codec = load_codec(
        arguments.profile, device=device, cache_dir=arguments.cache_dir, rate=arguments.rate
    )
    fetch_weights(arguments.cache_dir)
    return build_demo(
        codec,
        max_pixels=arguments.max_pixels,
        examples=example_photos(),
        notice=cost_notice(arguments.profile, device),
        results=ResultCache(showcase_dir(arguments.cache_dir)),
        weights_dir=arguments.cache_dir,
    )


def serve(demo: Any, arguments: argparse.Namespace) -> int:  # noqa: ANN401 (as above)
    """Serve the page until it is interrupted; return the exit code."""
    import httpx

    from ui.page import launch_settings

    if arguments.accounts:
        LOGGER.info("Only users with a password are let in; assistants (MCP) have none.")
    try:
        demo.queue(max_size=arguments.max_queue).launch(
            server_name=server_name(arguments.host),
            server_port=arguments.port,
            root_path=arguments.root_path,
            share=arguments.share,
            auth=arguments.accounts,
            # Gradio's MCP server asks nobody for a password.
            mcp_server=not arguments.accounts,
            **launch_settings(
                max_upload_mb=arguments.max_upload,
                framed_by=arguments.framed_by,
                root_path=arguments.root_path,
            ),
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
    return 0


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


if __name__ == "__main__":
    raise SystemExit(main())
