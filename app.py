"""Start the page: read arguments, load the codec once, build the page, launch."""

import argparse
import importlib.util
import logging
import os
from pathlib import Path

if importlib.util.find_spec("spaces"):  # lends GPUs on a Space; must come before torch
    import spaces  # noqa: F401

import torch

from difficmh_core.arguments import CACHE_VARIABLE
from difficmh_core.errors import DiffICMHError
from difficmh_core.picture_pool import PicturePool
from difficmh_core.profiles import DEFAULT_RATE, PROFILE_NAMES, cost_notice, load_codec
from difficmh_core.weights.cache import FetchProgress, FetchState, default_cache_dir, fetch_all
from difficmh_core.weights.cards import PACKAGE_CARDS
from ui.page import MAX_PIXELS, build_page
from ui.result_cache import ResultCache
from ui.showcase import example_photos, showcase_dir

LOGGER = logging.getLogger("difficmh")


def main() -> int:
    """Run the page until it is interrupted; return the exit code."""
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        codec = load_codec(
            arguments.profile,
            device=arguments.device,
            cache_dir=arguments.cache_dir,
            rate=arguments.rate,
        )
    except DiffICMHError as error:
        LOGGER.error("%s", error)
        return 1
    fetch_weights(arguments.cache_dir)
    with PicturePool() as pictures:
        page = build_page(
            codec,
            read=pictures.read,
            max_pixels=arguments.max_pixels,
            examples=example_photos(),
            notice=cost_notice(arguments.profile, arguments.device),
            results=ResultCache(showcase_dir(arguments.cache_dir)),
            weights_dir=arguments.cache_dir,
        )
        page.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            share=arguments.share,
            mcp_server=True,
        )
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return what the command line says, with defaults from the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILE_NAMES, default="nano")
    parser.add_argument(
        "--rate", type=int, default=DEFAULT_RATE, help="which of sd21's checkpoints (%(default)s)"
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="where the networks run: cpu, cuda, cuda:1 ... (default: %(default)s)",
    )
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to listen on; 0.0.0.0 for all (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=_port(os.environ.get("GRADIO_SERVER_PORT")),
        help="port to listen on (default: the first free one from 7860)",
    )
    parser.add_argument(
        "--share",
        action="store_true",
        default=os.environ.get("GRADIO_SHARE", "").lower() == "true",
        help="also open a public link through Gradio's servers",
    )
    parser.add_argument(
        "--max-pixels",
        type=int,
        default=MAX_PIXELS,
        help="largest picture that the page takes [px] (default: %(default)s)",
    )
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=Path(os.environ.get(CACHE_VARIABLE) or default_cache_dir()),
        help="where fetched weights lie (default: %(default)s)",
    )
    return parser.parse_args()


def fetch_weights(cache_dir: Path) -> None:
    """Get the weights of tagger and measures where missing; the page works without them."""
    try:
        fetch_all(PACKAGE_CARDS, cache_dir, on_progress=_log_download)
    except DiffICMHError as error:
        LOGGER.warning("%s The page says what is missing.", error)


def _log_download(progress: FetchProgress) -> None:
    if progress.state is FetchState.DOWNLOADING:
        LOGGER.info("Fetching %s", progress.card.purpose)


def _port(value: str | None) -> int | None:
    return int(value) if value else None


if __name__ == "__main__":
    raise SystemExit(main())
