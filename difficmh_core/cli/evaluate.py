"""Command line of comparisons: ``compare PHOTO`` and ``evaluate FOLDER``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path

from accelerate import PartialState

from difficmh_core._support.atomic_files import check_writable
from difficmh_core._support.command_lines import PROGRAM, OneLineParser
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.presets import preset_of
from difficmh_core.config.profiles import PROFILE_NAMES
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.evaluation.codecs import (
    BASELINES,
    REFINED,
    AbsentCodec,
    Contender,
    OurCodec,
    RefinedFiles,
    find_baselines,
)
from difficmh_core.evaluation.comparison import Outcome, compare
from difficmh_core.evaluation.dataset import Evaluation
from difficmh_core.evaluation.evaluator import Judge
from difficmh_core.evaluation.lines import json_of
from difficmh_core.evaluation.markdown import markdown_of
from difficmh_core.evaluation.picture_sets import DEFAULT_SET_METRICS, PictureSets
from difficmh_core.evaluation.report import contact_sheet, table
from difficmh_core.image_io import write_png
from difficmh_core.image_reading import read_picture
from difficmh_core.latent_optimization import LatentOptimizer, OptimizationSettings
from difficmh_core.models.load import load_codec
from difficmh_core.quality.metrics import DEFAULT_METRICS, METRICS
from difficmh_core.quality.set_distances import SET_METRICS, set_metric_of
from difficmh_core.rate_control import RateSearch
from difficmh_core.vision.coco_map import CocoAnnotations
from difficmh_core.vision.task_table import DEFAULT_TASKS, TASKS

__all__ = ["main"]

CONTENT = "content"
"""The content latent decoded without diffusion."""
_DEFAULT_CODECS = (*BASELINES, "nano-instant")
_DEFAULT_RATES = (0.03, 0.06, 0.12)
_NONE = ["none"]
_LONGEST_WAIT = timedelta(days=30)
"""Processes may have pictures of very different size; the first to end waits for the others."""


def main(command: str, words: Sequence[str], cache_dir: Path) -> int:
    """Run one command.

    Args:
        command: ``compare`` or ``evaluate``.
        words: Arguments after it.
        cache_dir: Where fetched files lie unless an option names another folder.

    Returns:
        The exit code, 0.

    Raises:
        DiffICMHError: If a photograph, codec or rate is not what it should be.
    """
    logging.basicConfig(handlers=[logging.NullHandler()])
    parser = _compare_parser() if command == "compare" else _evaluate_parser()
    parser.add_argument("--cache-dir", type=Path, default=cache_dir, help="of fetched files")
    arguments = parser.parse_args(words)
    return _compare(arguments) if command == "compare" else _evaluate(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    for path in (arguments.sheet, arguments.boxes):
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
    rates = tuple(arguments.bpp or ()) if targets or arguments.bpp else _DEFAULT_RATES
    _check_rates(rates)
    targets += [max(1, int(bpp * image.width * image.height / 8)) for bpp in rates]
    targets = list(dict.fromkeys(targets))
    judge = _judge(arguments)
    found, missing = _contenders(arguments)
    contenders = [
        found.get(key) or AbsentCodec(key, missing[key]) for key in _codec_keys(arguments)
    ]
    outcomes = list[Outcome]()
    for outcome in compare(arguments.photo.name, image, targets, contenders, judge):
        outcomes.append(outcome)
        sys.stderr.write(f"{outcome.row.name}, at most {outcome.row.target_bytes} bytes\n")
    rows = [outcome.row for outcome in outcomes]
    if arguments.sheet is not None:
        write_png(contact_sheet(image, outcomes), arguments.sheet)
    if arguments.boxes is not None:
        write_png(contact_sheet(image, outcomes, boxes=True), arguments.boxes)
    if arguments.json:
        told = {"rows": [row.to_json() for row in rows], "absent": missing | judge.absent}
        sys.stdout.write(json_of(told) + "\n")
        return 0
    parts = [table([row for row in rows if row.target_bytes == target]) for target in targets]
    parts += [f"{key} is left out: {reason}" for key, reason in judge.absent.items()]
    sys.stdout.write("\n\n".join(parts) + "\n")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    set_metrics = [] if arguments.set_metrics == _NONE else arguments.set_metrics
    for key in set_metrics:
        set_metric_of(key)
    judge = _judge(arguments)
    rates = tuple(dict.fromkeys(arguments.rates))
    _check_rates(rates)
    # Without being told, accelerate takes processes on a CPU for one process each.
    state = PartialState(cpu=arguments.device == "cpu", timeout=_LONGEST_WAIT)
    found, absent = _contenders(arguments)
    contenders = list(found.values())
    sets = PictureSets(arguments.out, arguments.cache_dir, set_metrics, arguments.device)
    evaluation = Evaluation(folder=arguments.folder, rates_bpp=rates, out=arguments.out)
    annotations = CocoAnnotations(arguments.annotations) if arguments.annotations else None
    for line in evaluation.run(
        contenders,
        judge,
        annotations=annotations,
        sets=sets,
        limit=arguments.limit,
        process=state.process_index,
        n_processes=state.num_processes,
    ):
        what = f"{line['name']} at {line['rate_bpp']:g} bpp" if "name" in line else "original"
        sys.stderr.write(f"{line['picture']}, {what}{': failed' if line.get('error') else ''}\n")
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    keys = {contender.key for contender in contenders}
    anchor = arguments.anchor if arguments.anchor in keys else None
    summary = evaluation.finish(anchor, annotations, sets, absent | judge.absent)
    sys.stdout.write(markdown_of(summary))
    n_pictures = summary["n_pictures"]
    sys.stdout.write(f"\n{arguments.out}: {n_pictures} pictures, rows.csv, summaries, plots\n")
    return 0


def _judge(arguments: argparse.Namespace) -> Judge:
    metrics, tasks = (
        () if names == _NONE else tuple(dict.fromkeys(names))
        for names in (arguments.metrics, arguments.tasks)
    )
    return Judge(arguments.cache_dir, metrics, tasks)


def _check_rates(rates: Sequence[float]) -> None:
    if rates and not 0 < min(rates) <= max(rates) < inf:
        raise ConfigError(f"Rates are bits per pixel above 0, got {min(rates):g}.")


def _codec_keys(arguments: argparse.Namespace) -> list[str]:
    return list(dict.fromkeys(map(_full_key, arguments.codecs)))


def _full_key(key: str) -> str:
    """Return what a codec is called in full: a profile alone decodes with one step."""
    profile = key.removesuffix(REFINED)
    return f"{profile}-instant{key.removeprefix(profile)}" if profile in PROFILE_NAMES else key


def _contenders(arguments: argparse.Namespace) -> tuple[dict[str, Contender], dict[str, str]]:
    """Return the codecs as they were asked for, in that order, and why others are absent."""
    keys = _codec_keys(arguments)
    names = [key for key in keys if key.partition("-")[0] not in PROFILE_NAMES]
    others, absent = find_baselines(
        names,
        arguments.cache_dir,
        vtm=arguments.vtm,
        vvc_preset=arguments.vvc_preset,
        elic=arguments.elic,
    )
    found: dict[str, Contender] = {other.key: other for other in others}
    codecs = dict[str, tuple[DiffICMHCodec, RateSearch]]()
    refined_files = dict[str, RefinedFiles]()
    for key in keys:
        profile, _, label = key.removesuffix(REFINED).partition("-")
        if profile not in PROFILE_NAMES:
            continue
        settings = (
            replace(preset_of(profile), realism=0.0)
            if label == CONTENT
            else preset_of(profile, label)
        )
        if profile not in codecs:
            codec = load_codec(
                profile,
                device=arguments.device,
                cache_dir=arguments.cache_dir,
                rate=arguments.rate,
            )
            codecs[profile] = codec, codec.rate_search()
        codec, search = codecs[profile]
        is_refined = key.endswith(REFINED)
        if is_refined and profile not in refined_files:
            passes = OptimizationSettings(iterations=arguments.passes)
            try:
                refiner = LatentOptimizer(codec, passes, cache_dir=arguments.cache_dir)
            except BackendUnavailableError as error:
                absent[key] = str(error)
                continue
            refined_files[profile] = RefinedFiles(refiner, search)
        of_label = refined_files[profile] if is_refined else search
        found[key] = OurCodec(codec, label, settings, of_label)
    if not found:
        raise ConfigError(f"None of the codecs is at hand. {' '.join(absent.values())}")
    return {key: found[key] for key in keys if key in found}, absent


def _compare_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=f"{PROGRAM} compare",
        description="One photograph by every codec within the same bytes.",
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("--bytes", type=int, nargs="+", help="what the files may hold")
    parser.add_argument("--bpp", type=float, nargs="+", help="the same per pixel [bit]")
    parser.add_argument("--sheet", type=Path, help="write the pictures side by side (PNG)")
    parser.add_argument("--boxes", type=Path, help="the same with the detector's boxes (PNG)")
    parser.add_argument("--json", action="store_true", help="tell the rows as JSON")
    _add_codecs(parser)
    return parser


def _evaluate_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=f"{PROGRAM} evaluate",
        description="A folder of pictures by every codec at several rates; goes on where it was.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=list(_DEFAULT_RATES))
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results")
    parser.add_argument("--limit", type=int, help="only so many pictures")
    parser.add_argument("--annotations", type=Path, help="COCO's, for mean average precision")
    parser.add_argument("--anchor", default="vvc", help="codec that the deltas compare with")
    parser.add_argument(
        "--set-metrics",
        nargs="+",
        default=list(DEFAULT_SET_METRICS),
        metavar="NAME",
        help=f"distances between sets of pictures: {', '.join(SET_METRICS)}; or none "
        f"(default {' '.join(DEFAULT_SET_METRICS)})",
    )
    _add_codecs(parser)
    return parser


def _add_codecs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--codecs",
        nargs="+",
        default=list(_DEFAULT_CODECS),
        metavar="NAME",
        help=f"{', '.join(BASELINES)}, or a profile with a preset or 'content', such as "
        f"nano-instant (nano alone is the same), with '{REFINED}' behind it for refined files "
        f"(default {' '.join(_DEFAULT_CODECS)})",
    )
    parser.add_argument(
        "--passes",
        type=int,
        default=OptimizationSettings().iterations,
        help="of refinement (default %(default)s)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=list(DEFAULT_METRICS),
        metavar="NAME",
        help=f"measures of each picture: {', '.join(METRICS)}, or names of pyiqa's; or none "
        f"(default {' '.join(DEFAULT_METRICS)})",
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=list(DEFAULT_TASKS),
        metavar="NAME",
        help=f"machine tasks: {', '.join(TASKS)}; or none (default {' '.join(DEFAULT_TASKS)})",
    )
    parser.add_argument("--rate", type=int, default=4, help="which of sd21's checkpoints")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--vtm", type=Path, help="folder of a built VTM; default is VVenC")
    parser.add_argument("--vvc-preset", default="fast", help="VVenC's (default %(default)s)")
    parser.add_argument(
        "--elic",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="published weights of ELIC, from the lowest rate on; default is the packaged one",
    )
