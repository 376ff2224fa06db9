"""The command ``study PHOTO``: one photo coded and decoded in several ways, each measured."""

import argparse
import sys
from pathlib import Path

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.cli.codec_options import add_measures
from difficmh_core.cli.coding import settings_of
from difficmh_core.cli.options import add_decoding, add_shared, names_of
from difficmh_core.cli.output import Report
from difficmh_core.cli.progress import progress
from difficmh_core.config.coding import DEFAULT_QUALITY
from difficmh_core.config.experiments import EXPERIMENT_NAMES, ExperimentRequest
from difficmh_core.errors import ConfigError

_USUAL = ExperimentRequest(experiment=EXPERIMENT_NAMES[0])
_GONE_THROUGH = {
    "guidances": "--guidances",
    "steps": "--step-counts",
    "n_seeds": "--seeds",
    "qualities": "--qualities",
}
"""The options for what an experiment goes through, by the fields of :class:`ExperimentRequest`."""


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``study``."""
    parser.description = (
        "Compress and decode one photo in several ways, and measure the results. What an "
        "experiment goes through replaces the decoding option for it."
    )
    parser.set_defaults(run=_study)
    parser.add_argument("photo", type=Path, help="an image file")
    parser.add_argument(
        "--experiment",
        choices=EXPERIMENT_NAMES,
        default=_USUAL.experiment,
        help="grid (default): guidance and steps; tags: with and without; seeds: where the "
        "decoder guesses; sweep: qualities",
    )
    for field, kind, words in (
        ("guidances", float, "guidance weights of the grid"),
        ("steps", int, "numbers of steps of the grid"),
        ("qualities", float, "qualities of the sweep"),
    ):
        usual = " ".join(f"{value:g}" for value in getattr(_USUAL, field))
        parser.add_argument(
            _GONE_THROUGH[field],
            dest=f"each_{field}",
            type=kind,
            nargs="+",
            metavar="NUMBER",
            help=f"{words} (default {usual})",
        )
    parser.add_argument(
        _GONE_THROUGH["n_seeds"],
        dest="each_n_seeds",
        type=int,
        metavar="N",
        help=f"how many seeds, 2 or more (default {_USUAL.n_seeds})",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quality", type=float, help=f"0 to 100 (default {DEFAULT_QUALITY:g})")
    size.add_argument(
        "--bytes", type=int, help="largest file in bytes; the best quality that fits is used"
    )
    parser.add_argument(
        "--tags", default="auto", help="auto (default), none, or comma-separated names"
    )
    parser.add_argument("--profile", default="nano", help="nano (default) or sd21")
    add_decoding(parser)
    add_measures(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write rows (CSV, JSON) and images (PNG) here"
    )
    add_shared(parser, "--rate", "--device", "--cache-dir", "--json")


def _study(arguments: argparse.Namespace) -> Report:
    from difficmh_core.cli.codecs import evaluator_of
    from difficmh_core.evaluation.experiments import ExperimentResult, plan, uncertainty
    from difficmh_core.evaluation.lines import csv_of, json_of
    from difficmh_core.evaluation.photo_study import PhotoStudy
    from difficmh_core.evaluation.report import study_table
    from difficmh_core.image_io import write_png
    from difficmh_core.image_reading import read_picture
    from difficmh_core.models.load import load_codec

    request, settings = _request(arguments), settings_of(arguments, arguments.profile)
    evaluator = evaluator_of(arguments)
    picture = read_picture(arguments.photo)
    for note in picture.notes:
        sys.stderr.write(f"note: {note}\n")
    out: Path | None = arguments.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    codec = load_codec(
        arguments.profile,
        device=arguments.device,
        cache_dir=arguments.cache_dir,
        rate=arguments.rate,
    )
    encoded = codec.encode(
        picture.image,
        quality=arguments.quality,
        target_bytes=arguments.bytes,
        tags="auto" if arguments.tags == "auto" else names_of(arguments.tags),
    )
    variants = plan(request, encoded, settings, has_rates=codec.config.rate is None)
    results = list[ExperimentResult]()
    with progress("studying", unit="image") as tell:
        for result in PhotoStudy(picture.image, codec, evaluator).results(variants):
            results.append(result)
            tell(len(results), len(variants), result.variant.label)
            if out is not None:
                name = f"{request.experiment}-{result.variant.key}.png"
                write_whole(result.png, out / name)
    rows = [result.row() for result in results]
    fields: dict[str, object] = {"rows": rows, "absent": evaluator.absent}
    parts = [study_table(results)]
    if request.experiment == "seeds":
        mean, spread, peak = uncertainty([result.image for result in results])
        fields["peak_deviation"] = round(peak, 3)
        parts.append(f"Standard deviation over the seeds: up to {peak:.1f} of 255 levels")
        if out is not None:
            write_png(mean, out / "seeds-mean.png")
            write_png(spread, out / "seeds-deviation.png")
    parts += [f"{key} is left out: {reason}" for key, reason in evaluator.absent.items()]
    if out is not None:
        write_whole(csv_of(rows).encode(), out / f"{request.experiment}.csv")
        write_whole(json_of(fields, indent=1).encode(), out / f"{request.experiment}.json")
        parts.append(f"{out}: {request.experiment}.csv, {request.experiment}.json, images")
    return Report(fields=fields, text="\n\n".join(parts))


def _request(arguments: argparse.Namespace) -> ExperimentRequest:
    """Which experiment, and what it goes through, each value once.

    Raises:
        ConfigError: If an option belongs to another experiment, or there is one seed only.
    """
    from difficmh_core.evaluation.experiments import EXPERIMENTS

    key = arguments.experiment
    given = {
        field: value
        for field in _GONE_THROUGH
        if (value := getattr(arguments, f"each_{field}")) is not None
    }
    for field in given:
        if field not in EXPERIMENTS[key].options:
            (other,) = (each.key for each in EXPERIMENTS.values() if field in each.options)
            raise ConfigError(
                f"{_GONE_THROUGH[field]} belongs to --experiment {other}, not {key}. Leave it "
                "out, or choose that experiment."
            )
    if given.get("n_seeds", _USUAL.n_seeds) < 2:
        raise ConfigError(f"Seeds are compared: at least 2 are needed, got {given['n_seeds']}.")
    lists = {
        field: tuple(sorted(set(value))) for field, value in given.items() if field != "n_seeds"
    }
    return ExperimentRequest(**{"experiment": key, **given, **lists})
