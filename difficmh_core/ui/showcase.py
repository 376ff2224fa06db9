"""Examples decoded in advance: ``python -m difficmh_core.ui.showcase``.

A presenter then shows them at once, without a GPU and without a network: the file, its picture
by each preset, and the comparison with every codec at hand. The results lie beside the fetched
weights and are found by digests of photograph, model and settings, so that none outlives a
change of any of them; what is missing is computed when a visitor asks for it.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.command_lines import OneLineParser
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import DEFAULT_RATE, PROFILE_NAMES, RATE_HELP, presets_of
from difficmh_core.errors import DiffICMHError
from difficmh_core.models.load import load_codec
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import ComparisonInput, run
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore

PHOTO_SUFFIXES = {".jpg", ".png"}
MAX_PIXELS = 16_000_000
PRESETS = ("instant", "fast")
"""What is decoded in advance; ``paper`` takes minutes on a CPU."""
_LOGGER = logging.getLogger("difficmh.showcase")


def example_photos() -> list[Path]:
    """List the photographs that ship with the program."""
    folder = Path(__file__).with_name("examples")
    if not folder.is_dir():  # in a clone; a wheel brings them beside this file
        folder = Path(__file__).parents[2] / "examples"
    return sorted(path for path in folder.iterdir() if path.suffix in PHOTO_SUFFIXES)


def showcase_dir(weights_dir: Path) -> Path:
    """Name the folder of the results, beside the fetched weights."""
    return weights_dir / "showcase"


def prepare(
    codec: DiffICMHCodec, weights_dir: Path, photos: Sequence[Path], presets: Sequence[str]
) -> Iterator[str]:
    """Decode and compare each photograph, and yield what has been done.

    Args:
        codec: Loaded and ready.
        weights_dir: Where fetched weights lie.
        photos: The examples.
        presets: Which presets decode them.
    """
    profile = codec.config.profile
    with tempfile.TemporaryDirectory() as folder:
        files = ServedFiles(Path(folder), examples=photos)
        uploads = UploadStore(files, max_pixels=MAX_PIXELS)
        service = CodecService(
            codec,
            files=files,
            results=ResultCache(showcase_dir(weights_dir)),
            keeps_for_good=True,
            weights_dir=weights_dir,
        )
        for served in files.examples:
            photo, file = uploads.receive(served), Path(served).name
            image = uploads.load(photo)
            tags = service.tag(photo, image)
            encoded = service.encode(photo, image, CodingRequest(), tags)
            yield f"{file}: {len(encoded.data):,} bytes"
            for name in presets:
                *_, last = service.decode(encoded.stream, presets_of(profile)[name])
                yield f"{file}: {name}, {last.seconds:.1f} s"
            asked = ComparisonInput(
                photo=photo,
                image=image,
                target_bytes=len(encoded.data),
                tags=encoded.tags,
                settings=presets_of(profile)["fast"],
            )
            for measured in run(service, texts.CHOSEN, asked):
                yield f"{file}: {measured.row.error or measured.row.name}"


def main() -> int:
    """Prepare the examples of one profile; return the exit code."""
    parser = OneLineParser(
        prog="python -m difficmh_core.ui.showcase",
        description="Decode the page's examples in advance.",
    )
    parser.add_argument("--profile", choices=PROFILE_NAMES, default="nano")
    parser.add_argument("--rate", type=int, default=DEFAULT_RATE, help=RATE_HELP)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache-dir", type=Path, default=cache_folder())
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        codec = load_codec(
            arguments.profile,
            device=arguments.device,
            cache_dir=arguments.cache_dir,
            rate=arguments.rate,
        )
        for line in prepare(codec, arguments.cache_dir, example_photos(), PRESETS):
            _LOGGER.info("%s", line)
    except DiffICMHError as error:
        _LOGGER.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
