"""The command ``compare PHOTO``: every codec within the same bytes, measured the same way."""

import argparse
import sys
from pathlib import Path

from difficmh_core._support.atomic_files import check_writable
from difficmh_core.cli.codec_options import DEFAULT_RATES, add_codec_options, check_rates
from difficmh_core.cli.options import add_shared
from difficmh_core.cli.output import Report
from difficmh_core.errors import ConfigError


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``compare``."""
    parser.description = (
        "Compress a photo with every codec at the same size, and measure the results."
    )
    parser.set_defaults(run=_compare)
    parser.add_argument("photo", type=Path, help="an image file")
    parser.add_argument(
        "--bytes", type=int, nargs="+", help="largest size of each file in bytes; one or several"
    )
    parser.add_argument(
        "--bpp",
        type=float,
        nargs="+",
        help=f"the same in bits per pixel (default {' '.join(map(str, DEFAULT_RATES))})",
    )
    parser.add_argument("--sheet", type=Path, help="write the images side by side (PNG)")
    parser.add_argument("--boxes", type=Path, help="the same with the detector's boxes (PNG)")
    parser.add_argument(
        "--text-boxes",
        type=Path,
        help="the same with the text that is read in each image (PNG); adds the task text",
    )
    add_shared(parser, "--json")
    add_codec_options(parser)


def _compare(arguments: argparse.Namespace) -> Report:
    from difficmh_core.cli.codecs import chosen_codecs, evaluator_of
    from difficmh_core.evaluation.codecs import AbsentCodec
    from difficmh_core.evaluation.comparison import CodecResult, PhotoComparison
    from difficmh_core.evaluation.report import Marks, contact_sheet, table
    from difficmh_core.image_io import write_png
    from difficmh_core.image_reading import read_picture

    sheets = {
        None: arguments.sheet,
        Marks.OBJECTS: arguments.boxes,
        Marks.TEXT: arguments.text_boxes,
    }
    for path in sheets.values():
        if path is not None:
            if path.suffix.lower() != ".png":
                raise ConfigError(f"Sheets are written as PNG, not {path.name!r}.")
            check_writable(path)
    targets = list(arguments.bytes or ())
    if targets and min(targets) < 1:
        raise ConfigError(f"A file needs at least 1 byte, got {min(targets)}. Allow more.")
    picture = read_picture(arguments.photo)
    image = picture.image
    for note in picture.notes:
        sys.stderr.write(f"note: {note}\n")
    rates = tuple(arguments.bpp or ()) if targets or arguments.bpp else DEFAULT_RATES
    check_rates(rates)
    targets += [max(1, int(bpp * image.width * image.height / 8)) for bpp in rates]
    targets = list(dict.fromkeys(targets))
    evaluator = evaluator_of(arguments, also=() if arguments.text_boxes is None else ("text",))
    codecs = list(chosen_codecs(arguments).values())
    results = list[CodecResult]()
    for result in PhotoComparison(arguments.photo.name, image, evaluator).results(codecs, targets):
        results.append(result)
        sys.stderr.write(f"{result.row.name}, at most {result.row.target_bytes} bytes\n")
    rows = [result.row for result in results]
    for marks, path in sheets.items():
        if path is not None:
            write_png(contact_sheet(image, results, marks=marks), path)
    absent = {codec.key: codec.reason for codec in codecs if isinstance(codec, AbsentCodec)}
    parts = [table([row for row in rows if row.target_bytes == target]) for target in targets]
    parts += [f"{key} is left out: {reason}" for key, reason in evaluator.absent.items()]
    return Report(
        fields={"rows": [row.to_json() for row in rows], "absent": absent | evaluator.absent},
        text="\n\n".join(parts),
    )
