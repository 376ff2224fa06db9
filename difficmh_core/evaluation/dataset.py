"""A folder of pictures by every codec at several rates, kept line by line, and summed up.

Every row is appended to ``rows-*.jsonl`` when it is measured, the features of its picture beside
it; started again with the same folder, a run goes on after the last whole line. Several processes
take every n-th picture each::

    python -m torch.distributed.run --nproc_per_node 4 -m difficmh_core evaluate FOLDER
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.batch.addresses import without_query, without_secrets
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import refusal_of
from difficmh_core.batch.work import MOST_PHOTO_BYTES
from difficmh_core.errors import ConfigError, DiffICMHError
from difficmh_core.evaluation.codecs import ComparedCodec
from difficmh_core.evaluation.comparison import PhotoComparison, Row
from difficmh_core.evaluation.deltas import codec_deltas, precision_deltas, set_deltas
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.inputs import find_pictures
from difficmh_core.evaluation.lines import (
    append_line,
    csv_of,
    json_of,
    mend,
    read_lines,
    utf8_of,
)
from difficmh_core.evaluation.markdown import markdown_of
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.evaluation.picture_sets import PictureSets, summaries_of_sets
from difficmh_core.evaluation.plots import plot_curves, plot_depth
from difficmh_core.evaluation.statistics import Summary, summarize
from difficmh_core.image_io import read_image
from difficmh_core.quality.metric import Group
from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.coco_map import CocoAnnotations, MeanPrecision

_ORIGINAL = "original"
_VERSION = "source_version"  # of the picture, as sources tell it


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One run over a set of pictures.

    Attributes:
        inputs: The words that name the pictures: a folder, or anything that ``encode`` takes.
        rates_bpp: The targets: what the files may hold per pixel of the original [bit].
        out: Where rows, tables and plots go.
    """

    inputs: tuple[str, ...]
    rates_bpp: tuple[float, ...]
    out: Path

    def run(
        self,
        codecs: Sequence[ComparedCodec],
        evaluator: Evaluator,
        *,
        annotations: CocoAnnotations | None = None,
        sets: PictureSets | None = None,
        limit: int | None = None,
        process: int = 0,
        n_processes: int = 1,
    ) -> Iterator[dict[str, Any]]:
        """Measure what is not measured yet, and yield each line as it is kept.

        A picture that cannot be read, or whose name leads out of ``out``, gives a line with its
        error; the others go on. What failed before is tried again. Pictures in ``out`` are left
        out: they may be plots of an earlier run.

        Args:
            codecs: Those compared.
            evaluator: Takes the metrics.
            annotations: Boxes of the pictures; where given, the detector's are kept too.
            sets: Keeps the features for distances of sets, those of earlier rows too.
            limit: Only so many pictures.
            process: Which process this is, from 0.
            n_processes: How many there are.

        Raises:
            ConfigError: If a word names no picture, or ``out`` holds another run's rows, or those
                of another picture of a name.
        """
        sources = find_pictures(self.inputs, self.out)[:limit]
        self.out.mkdir(parents=True, exist_ok=True)
        file = self.out / f"rows-{process}.jsonl"
        mend(file)
        kept = {_key_of(line): line for line in self.lines()}
        self._refuse_other_versions(kept.values(), codecs)
        self._refuse_other_pictures(kept.values(), sources)
        measured = {key for key, line in kept.items() if line.get("error") is None}

        def is_done(key: tuple[str, str, float]) -> bool:
            return key in measured and (sets is None or sets.has(*key))

        for source in sources[process::n_processes]:
            name = source.name
            if (refusal := refusal_of(name)) is not None:  # its features would lie elsewhere
                if (name, None, None) not in kept:
                    yield append_line(file, {"picture": name, "error": refusal})
                continue
            missing = {
                rate: [c for c in codecs if not is_done((name, c.key, rate))]
                for rate in self.rates_bpp
            }
            if not any(missing.values()):
                continue
            origin = {_VERSION: source.version}
            try:
                image = read_image(source.read(MOST_PHOTO_BYTES))
            except (DiffICMHError, OSError) as error:
                if kept.get((name, None, None), {}).get("error") != str(error):
                    yield append_line(file, {"picture": name, "error": str(error)} | origin)
                continue
            comparison = PhotoComparison(name, image, evaluator)
            if sets is not None:
                sets.keep(comparison.original.pixels, name)
            is_annotated = annotations is not None and name.rpartition("/")[2] in annotations
            if is_annotated and (name, _ORIGINAL, None) not in kept:
                boxes = _to_lists(evaluator.all_boxes(comparison.original))
                line = {"picture": name, "kind": _ORIGINAL, "boxes": boxes}
                yield append_line(file, line | origin)
            for rate, left in missing.items():
                n_bytes = max(1, int(rate * image.width * image.height / 8))
                for result in comparison.results(left, [n_bytes]):
                    if sets is not None and result.features is not None:
                        sets.keep(result.features.pixels, name, result.row.codec, rate)
                    if (name, result.row.codec, rate) in measured:
                        continue  # it was measured before; only its features were missing
                    row = replace(result.row, target_bpp=rate)
                    line = {**row.to_json(), "rate_bpp": rate} | origin
                    if is_annotated and result.features is not None:
                        line["boxes"] = _to_lists(evaluator.all_boxes(result.features))
                    yield append_line(file, line)

    def lines(self) -> list[dict[str, Any]]:
        """Return every whole line that any process has kept, each row once.

        Raises:
            ConfigError: If one belongs to another run.
        """
        kept = dict[tuple[str, str | None, float | None], dict[str, Any]]()
        for path in sorted(self.out.glob("rows-*.jsonl")):
            for line in read_lines(path):
                # Whichever is read first: what was measured hides a failure, never the reverse.
                key = _key_of(line)
                if line.get("error") is None or kept.get(key, line).get("error") is not None:
                    kept[key] = line
        for line in kept.values():
            if "codec" in line and line["rate_bpp"] not in self.rates_bpp:
                raise ConfigError(
                    f"{self.out} holds rows at {line['rate_bpp']:g} bpp, but the rates asked for "
                    f"are {', '.join(f'{rate:g}' for rate in self.rates_bpp)}. Name another "
                    "folder for the results, or the same rates."
                )
        return list(kept.values())

    def _refuse_other_versions(
        self, lines: Iterable[Mapping[str, Any]], codecs: Sequence[ComparedCodec]
    ) -> None:
        asked = {codec.key: codec.version for codec in codecs}
        for line in lines:
            version = asked.get(line.get("codec", ""))
            if version is not None and line["version"] != version:
                raise ConfigError(
                    f"{self.out} holds rows of {line['codec']} {line['version']}, but here it is "
                    f"{version}. Name another folder for the results, or the codec as it was."
                )

    def _refuse_other_pictures(
        self, lines: Iterable[Mapping[str, Any]], sources: Iterable[Source]
    ) -> None:
        versions = {source.name: source.version for source in sources}
        for line in lines:
            if line.get("error") is None and (version := line.get(_VERSION)):  # not in old lines
                asked = versions.get(line["picture"])
                if asked and asked != version:
                    raise ConfigError(
                        f"{self.out} holds rows of another {line['picture']!r}, or of the same "
                        "before it changed. Name another folder for the results."
                    )

    def finish(
        self,
        anchor: str | None = None,
        annotations: CocoAnnotations | None = None,
        sets: PictureSets | None = None,
        absent: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Write ``rows.csv``, ``summary.json``, ``summary.md`` and the plots; return the summary.

        Args:
            anchor: Key of the codec that the Bjøntegaard deltas compare with; ``None`` for none.
            annotations: Boxes of the pictures, for the mean average precision.
            sets: Knows the features, for distances of sets.
            absent: Why a codec, metric or task is left out, by its key.

        Raises:
            ConfigError: If nothing was measured.
        """
        lines = self.lines()
        rows = [_row_of(line) for line in lines if "codec" in line]
        if not rows:
            raise ConfigError(f"{self.out} holds nothing measured to sum up.")
        summaries = summarize(rows, self.rates_bpp)
        broken = {
            line["picture"]: line["error"]
            for line in lines
            if "codec" not in line and "error" in line
        }
        for row in rows:  # since then it could be read
            broken.pop(row.picture, None)
        failed = [row for row in rows if row.error is not None]
        precise = {} if annotations is None else _precisions(lines, annotations)
        distances = [] if sets is None else sets.distances(rows)
        deltas = list[dict[str, Any]]()
        if anchor is not None:
            deltas = codec_deltas(rows, self.rates_bpp, anchor)
            bpp = {(made.codec, made.target_bpp): made.bpp for made in summaries}
            points = {
                (codec, rate): (bpp[codec, rate], point)
                for (codec, rate), point in precise.items()
                if rate is not None
            }
            deltas += precision_deltas(points, anchor) + set_deltas(distances, bpp, anchor)
        summary = {
            "folder": ", ".join(
                Path(without_secrets(without_query(word))).name for word in self.inputs
            ),
            "rates_bpp": list(self.rates_bpp),
            "n_pictures": len({row.picture for row in rows}),
            "broken_pictures": broken,
            "failures": [
                {"picture": row.picture, "codec": row.codec, "error": row.error} for row in failed
            ],
            "codecs": {row.codec: {"name": row.name, "version": row.version} for row in rows},
            "summaries": [asdict(s) | {"values": _rounded(s)} for s in summaries],
            "coco_map": [
                {"codec": codec, "rate_bpp": rate, **point.to_json()}
                for (codec, rate), point in precise.items()
            ],
            "set_distances": distances,
            "deltas": deltas,
            "absent": dict(absent or {}) | (sets.absent if sets is not None else {}),
        }
        cells = [row.to_json() for row in rows]
        table = csv_of([line | line.pop("values") for line in cells])
        write_whole(utf8_of(table), self.out / "rows.csv")
        text = json_of(summary, indent=1) + "\n"
        write_whole(utf8_of(text), self.out / "summary.json")
        write_whole(utf8_of(markdown_of(summary)), self.out / "summary.md")
        self._plot(summaries, distances)
        return summary

    def _plot(self, summaries: Sequence[Summary], distances: Sequence[Mapping[str, Any]]) -> None:
        """Draw every metric against the rate, features against their depth instead."""
        keys = dict.fromkeys(key for summary in summaries for key in summary.values)
        groups = {key: metric_of(key).group for key in keys}
        for key, group in groups.items():
            if group is not Group.DEPTH:
                plot_curves(summaries, key, self.out)
        for target in self.rates_bpp if Group.DEPTH in groups.values() else ():
            plot_depth(summaries, target, self.out)
        for key in dict.fromkeys(d["measure"] for d in distances if d["value"] is not None):
            plot_curves(summaries_of_sets(summaries, distances, key), key, self.out)


def _precisions(
    lines: Sequence[Mapping[str, Any]], annotations: CocoAnnotations
) -> dict[tuple[str, float | None], MeanPrecision]:
    """Return COCO's mean average precision of the originals, and of every codec and rate."""
    groups = defaultdict[tuple[str, float | None], dict[str, list[Detection]]](dict)
    for line in lines:
        if "boxes" in line:
            group = groups[line.get("codec", _ORIGINAL), line.get("rate_bpp")]
            group[Path(line["picture"]).name] = [_to_detection(box) for box in line["boxes"]]
    return {key: annotations.mean_precision(boxes) for key, boxes in groups.items()}


def _to_lists(boxes: Sequence[Detection]) -> list[list[Any]]:
    return [
        [box.label_id, box.label, round(box.score, 4), *(round(x, 1) for x in box.box_xyxy_px)]
        for box in boxes
    ]


def _to_detection(box: Sequence[Any]) -> Detection:
    label_id, label, score, left, top, right, bottom = box
    corners = (left, top, right, bottom)
    return Detection(label_id=label_id, label=label, score=score, box_xyxy_px=corners)


def _key_of(line: Mapping[str, Any]) -> tuple[str, str | None, float | None]:
    """Return picture, codec (or kind of line), and rate."""
    return line["picture"], line.get("codec", line.get("kind")), line.get("rate_bpp")


def _row_of(line: Mapping[str, Any]) -> Row:
    beside = ("rate_bpp", "boxes", _VERSION)
    fields = {name: value for name, value in line.items() if name not in beside}
    values = {key: float(value) for key, value in line["values"].items()}  # "inf" too
    return Row(**fields | {"values": values, "target_bpp": line["rate_bpp"]})


def _rounded(summary: Summary) -> dict[str, dict[str, float]]:
    return {
        key: {name: round(value, 5) for name, value in asdict(estimate).items()}
        for key, estimate in summary.values.items()
    }
