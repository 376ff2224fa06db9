"""The command ``evaluate FOLDER``: a data set by every codec at several rates, summed up."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from accelerate import PartialState

from difficmh_core._support.command_lines import PROGRAM, OneLineParser
from difficmh_core._support.processes import leave_processes
from difficmh_core.cli.codec_options import (
    DEFAULT_RATES,
    NONE,
    add_codec_options,
    check_rates,
    chosen_codecs,
    evaluator_of,
    full_key,
)
from difficmh_core.evaluation.codecs import AbsentCodec
from difficmh_core.evaluation.dataset import Evaluation
from difficmh_core.evaluation.markdown import markdown_of
from difficmh_core.evaluation.picture_sets import DEFAULT_SET_METRICS, PictureSets
from difficmh_core.quality.set_distances import SET_METRICS, set_metric_of
from difficmh_core.vision.coco_map import CocoAnnotations

_LONGEST_WAIT = timedelta(days=30)
"""Processes may have pictures of very different size; the first to end waits for the others."""


def main(words: Sequence[str], cache_dir: Path) -> int:
    """Run the command.

    Args:
        words: Arguments after it.
        cache_dir: Where fetched files lie unless an option names another folder.

    Returns:
        The exit code, 0.

    Raises:
        DiffICMHError: If a codec, a rate or a measure is not what it should be.
    """
    logging.basicConfig(handlers=[logging.NullHandler()])
    arguments = _parser(cache_dir).parse_args(words)
    set_metrics = [] if arguments.set_metrics == NONE else arguments.set_metrics
    for key in set_metrics:
        set_metric_of(key)
    evaluator = evaluator_of(arguments)
    rates = tuple(dict.fromkeys(arguments.rates))
    check_rates(rates)
    # Without being told, accelerate takes processes on a CPU for one process each.
    state = PartialState(cpu=arguments.device == "cpu", timeout=_LONGEST_WAIT)
    chosen = chosen_codecs(arguments)
    absent = {key: codec.reason for key, codec in chosen.items() if isinstance(codec, AbsentCodec)}
    codecs = {key: codec for key, codec in chosen.items() if key not in absent}
    sets = PictureSets(arguments.out, arguments.cache_dir, set_metrics, arguments.device)
    evaluation = Evaluation(folder=arguments.folder, rates_bpp=rates, out=arguments.out)
    annotations = CocoAnnotations(arguments.annotations) if arguments.annotations else None
    for line in evaluation.run(
        list(codecs.values()),
        evaluator,
        annotations=annotations,
        sets=sets,
        limit=arguments.limit,
        process=state.process_index,
        n_processes=state.num_processes,
    ):
        what = f"{line['name']} at {line['rate_bpp']:g} bpp" if "name" in line else "original"
        sys.stderr.write(f"{line['picture']}, {what}{': failed' if line.get('error') else ''}\n")
    state.wait_for_everyone()
    leave_processes()
    if not state.is_main_process:
        return 0
    key = full_key(arguments.anchor)
    anchor = key if key in codecs else None
    summary = evaluation.finish(anchor, annotations, sets, absent | evaluator.absent)
    sys.stdout.write(markdown_of(summary))
    n_pictures = summary["n_pictures"]
    sys.stdout.write(f"\n{arguments.out}: {n_pictures} photos, rows.csv, summaries, plots\n")
    return 0


def _parser(cache_dir: Path) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=f"{PROGRAM} evaluate",
        description="Compress a folder of photos with every codec at several rates, and measure "
        "the results. Resumes where it stopped.",
    )
    parser.add_argument("folder", type=Path, help="folder of photos")
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=list(DEFAULT_RATES),
        help=f"target rates in bits per pixel (default {' '.join(map(str, DEFAULT_RATES))})",
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results")
    parser.add_argument("--limit", type=int, help="only the first so many photos")
    parser.add_argument("--annotations", type=Path, help="COCO's annotation file (JSON), for mAP")
    parser.add_argument(
        "--anchor",
        default="vvc",
        help="codec that the others are compared with in deltas (default vvc)",
    )
    parser.add_argument(
        "--set-metrics",
        nargs="+",
        default=list(DEFAULT_SET_METRICS),
        metavar="NAME",
        help=f"distances between sets of images: {', '.join(SET_METRICS)}; or none "
        f"(default {' '.join(DEFAULT_SET_METRICS)})",
    )
    add_codec_options(parser, cache_dir)
    return parser
