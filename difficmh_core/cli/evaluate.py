"""The command ``evaluate FOLDER``: a data set by every codec at several rates, summed up."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from difficmh_core.cli.codec_options import (
    DEFAULT_RATES,
    add_codec_options,
    add_names,
    check_rates,
    named,
)
from difficmh_core.cli.options import limit_of
from difficmh_core.cli.output import Report
from difficmh_core.config.comparison import DEFAULT_SET_METRICS, SET_METRIC_NAMES

_LONGEST_WAIT = timedelta(days=30)
"""Processes may have pictures of very different size; the first to end waits for the others."""


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Add the words of ``evaluate``."""
    parser.description = (
        "Compress a folder of photos with every codec at several rates, and measure the results. "
        "Resumes where it stopped."
    )
    parser.set_defaults(run=_evaluate)
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="folder",
        help="folder of photos; also files, patterns, .tar archives and addresses, as for encode",
    )
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=list(DEFAULT_RATES),
        help=f"target rates in bits per pixel (default {' '.join(map(str, DEFAULT_RATES))})",
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the results")
    parser.add_argument("--limit", type=limit_of, help="only the first so many photos")
    parser.add_argument("--annotations", type=Path, help="COCO's annotation file (JSON), for mAP")
    parser.add_argument(
        "--anchor",
        default="vvc",
        help="codec that the others are compared with in deltas (default vvc)",
    )
    add_names(
        parser,
        "set-metrics",
        "distances between sets of images",
        DEFAULT_SET_METRICS,
        SET_METRIC_NAMES,
    )
    add_codec_options(parser)


def _evaluate(arguments: argparse.Namespace) -> Report | None:
    """Sum up; a process that was started beside the main one tells nothing."""
    from accelerate import PartialState

    from difficmh_core._support.processes import leave_processes
    from difficmh_core.cli.codecs import chosen_codecs, evaluator_of, full_key
    from difficmh_core.evaluation.codecs import AbsentCodec
    from difficmh_core.evaluation.dataset import Evaluation
    from difficmh_core.evaluation.markdown import markdown_of
    from difficmh_core.evaluation.picture_sets import PictureSets
    from difficmh_core.quality.set_distances import set_metric_of
    from difficmh_core.vision.coco_map import CocoAnnotations

    set_metrics = named(arguments.set_metrics)
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
    evaluation = Evaluation(inputs=tuple(arguments.inputs), rates_bpp=rates, out=arguments.out)
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
        return None
    key = full_key(arguments.anchor)
    anchor = key if key in codecs else None
    summary = evaluation.finish(anchor, annotations, sets, absent | evaluator.absent)
    closing = f"{arguments.out}: {summary['n_pictures']} photos, rows.csv, summaries, plots"
    return Report(fields=summary, text=f"{markdown_of(summary)}\n{closing}")
