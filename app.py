"""Start the page: read arguments, load the codec once, build the page, launch."""

import argparse
import logging
import os
from pathlib import Path

import torch

from difficmh_core.arguments import CACHE_VARIABLE
from difficmh_core.errors import DiffICMHError
from difficmh_core.profiles import DEFAULT_RATE, PROFILE_NAMES, cost_notice, load_codec
from difficmh_core.weights.cache import FetchProgress, FetchState, default_cache_dir, fetch_all
from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO
from ui.page import MAX_PIXELS, build_demo, launch_settings

LOGGER = logging.getLogger("difficmh")
PHOTO_SUFFIXES = {".jpg", ".png"}
MAX_QUEUE = 32
"""Visitors that may wait for the model; later ones are asked to come back."""


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
    if arguments.profile != "sd21":  # which brings its own tagger
        fetch_tagger(arguments.cache_dir)
    demo = build_demo(
        codec,
        max_pixels=arguments.max_pixels,
        examples=example_photos(),
        notice=cost_notice(arguments.profile, arguments.device),
    )
    demo.queue(max_size=MAX_QUEUE).launch(
        server_name=arguments.host,
        server_port=arguments.port,
        share=arguments.share,
        **launch_settings(),
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


def example_photos() -> list[Path]:
    """Return the photographs that ship with the repository."""
    folder = Path(__file__).parent / "examples"
    return sorted(path for path in folder.rglob("*") if path.suffix in PHOTO_SUFFIXES)


def fetch_tagger(cache_dir: Path) -> None:
    """Get the tagger's weights if they are missing; without them the page works, but for tags."""
    try:
        fetch_all((EFFICIENTNET_LITE0, YOLOX_NANO), cache_dir, on_progress=_log_download)
    except DiffICMHError as error:
        LOGGER.warning("%s Pictures can be coded without tags.", error)


def _log_download(progress: FetchProgress) -> None:
    if progress.state is FetchState.DOWNLOADING:
        LOGGER.info("Fetching %s", progress.card.purpose)


def _port(value: str | None) -> int | None:
    return int(value) if value else None


if __name__ == "__main__":
    raise SystemExit(main())
