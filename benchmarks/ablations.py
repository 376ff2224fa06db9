"""The paper's ablations at nano's scale: what the semantic loss, tags, guidance and steps do.

    python -m benchmarks.ablations decode CHECK [--n 20] [--out results/ablations]
    python -m benchmarks.ablations train CHECK --photos PHOTOS --runs RUNS [--steps 600] …

``decode`` takes the packaged weights and turns tags, guidance, steps and start. ``train`` goes on
from what RUNS holds (``train unpack`` and ``train latents`` fill it): it trains codec and a new
control module with the four losses of the paper alone, once for each variant of the semantic loss,
with the same seed and steps; and decodes each without diffusion, and with and without tags.
Every result is a mean over the photographs, all coded within the same number of bits, or with as
few as the codec can; kept as JSON.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import preset_of
from difficmh_core.encoding import Encoded
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.metrics import metric_of
from difficmh_core.image_io import read_image
from difficmh_core.models.load import load_codec
from difficmh_core.training.data import load_photographs
from difficmh_core.training.default_settings import default_settings
from difficmh_core.training.overrides import change_settings
from difficmh_core.training.package import write_networks
from difficmh_core.training.recipe import Recipe
from difficmh_core.training.settings import StageName
from difficmh_core.weights.network_card import NANO_FOLDER

PICTURE_METRICS = ("psnr_db", "lpips_alex", "lpips_vgg", "dists")
METRICS = (*PICTURE_METRICS, "top1", "js_bits", "box_f1")
TARGET_BPP = 0.06
GUIDANCE = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0)
STEPS = (1, 2, 4, 5, 10, 20, 50)
STARTS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Parts of the schedule from which one step decodes."""
VARIANTS: Mapping[str, Sequence[str]] = {
    "middle": ["semantic.weight=2"],
    "off": ["semantic.weight=0"],
    "block 1": ["semantic.weight=2", "semantic.block=1"],
    "block 3": ["semantic.weight=2", "semantic.block=3"],
    "noised": ["semantic.weight=2", "semantic.timesteps=[0, 1000]"],
}
_PAPER = [
    *(f"picture.{name}=0" for name in ("l1", "lpips", "dists", "adversarial")),
    "trains_decoder=false",
    "rate=[16, 0.9]",  # as version 9 was trained
    "validate_every_s=1000000",
]
"""The losses of the paper alone."""
_SEED = 1
_CONTENT = replace(preset_of("nano"), realism=0.0)
_MANY_STEPS = DecodeSettings(steps=20, guidance_scale=1.0, sampler=SamplerName.DDIM, seed=_SEED)


class Bench:
    """Measures one way of decoding on all photographs."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.evaluator = Evaluator(
            cache_folder(), PICTURE_METRICS, ("classification", "detection")
        )

    def code(self, codec: DiffICMHCodec, *, tags: bool = True) -> list[Encoded]:
        """Return all photographs, each coded as well as the bits allow."""
        coded, asked = list[Encoded](), "auto" if tags else None
        for image in map(read_image, self.paths):
            target_bytes = int(TARGET_BPP * image.width * image.height / 8)
            smallest = codec.encode(image, quality=0, tags=asked)
            fits = len(smallest.data) < target_bytes
            best = codec.encode(image, target_bytes=target_bytes, tags=asked) if fits else smallest
            coded.append(best)
        return coded

    def measure(
        self, codec: DiffICMHCodec, coded: Sequence[Encoded], settings: DecodeSettings
    ) -> dict[str, float]:
        """Return the means of bits, quality and agreement."""
        rows = list[dict[str, float]]()
        for path, encoded in zip(self.paths, coded, strict=True):
            original = self.evaluator.features(read_image(path))
            decoded = self.evaluator.features(codec.decode_image(encoded.data, settings))
            rows.append({"bpp": encoded.stream.bpp, **self.evaluator.measure(original, decoded)})
        columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        means = {"bpp": columns["bpp"].mean()} | {
            key: metric_of(key).over_pictures(columns.__getitem__) for key in METRICS
        }
        return {"n": len(rows), **{key: round(float(value), 4) for key, value in means.items()}}


def decoding(bench: Bench, codec: DiffICMHCodec) -> Iterator[dict[str, object]]:
    """Yield the results of turning tags, guidance, steps and start."""
    fast = replace(preset_of("nano", "fast"), seed=_SEED)
    coded, untagged = bench.code(codec), bench.code(codec, tags=False)

    @cache  # the sweeps have settings in common
    def measured(settings: DecodeSettings) -> dict[str, float]:
        return bench.measure(codec, coded, settings)

    for name, settings in {"preset fast": fast, "20 steps": _MANY_STEPS}.items():
        yield {"tags": True, "settings": name, **measured(settings)}
        yield {"tags": False, "settings": name, **bench.measure(codec, untagged, settings)}
    for guidance in GUIDANCE:
        settings = replace(_MANY_STEPS, guidance_scale=guidance)
        yield {"guidance": guidance, "steps": 20, **measured(settings)}
    for start in (fast.start, 1.0):
        for steps in STEPS:
            settings = replace(_MANY_STEPS, steps=steps, start=start)
            yield {"steps": steps, "start": start, **measured(settings)}
    for start in STARTS:
        yield {"steps": 1, "start": start, **measured(replace(_MANY_STEPS, steps=1, start=start))}


def training(bench: Bench, arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Train and measure each variant of the semantic loss, with and without tags."""
    photographs = load_photographs(arguments.photos, limit=arguments.limit)
    fast = replace(preset_of("nano", "fast"), seed=_SEED)
    for variant in arguments.variants:
        changes = VARIANTS[variant]
        runs = arguments.out / "runs" / variant.replace(" ", "-")
        for stage in (StageName.AUTOENCODER, StageName.PRIOR, StageName.CODEC):
            shutil.copytree(arguments.runs / stage, runs / stage)
        torch.manual_seed(_SEED)
        recipe = Recipe(
            photos=arguments.photos,
            check=arguments.check,
            runs=runs,
            limit=arguments.limit,
            cache_dir=cache_folder(),
        )
        recipe.photographs = photographs
        shutil.copy(arguments.runs / recipe.latents_path.name, recipe.latents_path)
        common = [f"steps={arguments.steps}", "minutes=600", *_PAPER, *arguments.changes]
        settings = change_settings(default_settings(StageName.JOINT), [*common, *changes])
        *_, checked = recipe.train(StageName.JOINT, settings)
        write_networks(recipe, runs / "nano")
        codec = load_codec("nano", weights_folder=runs / "nano", cache_dir=cache_folder())
        shared = {"semantic": variant, "step": checked["step"]}
        coded, untagged = bench.code(codec), bench.code(codec, tags=False)
        yield {**shared, "settings": "content", **bench.measure(codec, coded, _CONTENT)}
        yield {**shared, "settings": "fast", **bench.measure(codec, coded, fast)}
        yield {**shared, "settings": "fast, no tags", **bench.measure(codec, untagged, fast)}


def main() -> None:
    """Measure, print every line, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["decode", "train"])
    parser.add_argument("check", type=Path, help="folder of photographs never trained on")
    parser.add_argument("--n", type=int, default=20, help="photographs")
    parser.add_argument(
        "--weights", type=Path, default=NANO_FOLDER, help="other weights, for decode"
    )
    parser.add_argument("--photos", type=Path, help="training photographs, for train")
    parser.add_argument("--runs", type=Path, help="run folders, for train")
    parser.add_argument("--limit", type=int, help="training photographs, as for 'latents'")
    parser.add_argument("--steps", type=int, default=600, help="of each variant, for train")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("results/ablations"))
    arguments = parser.parse_args()
    if arguments.task == "train" and not (arguments.photos and arguments.runs):
        parser.error("train needs --photos and --runs")
    paths = sorted(p for p in arguments.check.iterdir() if p.is_file())[: arguments.n]
    bench = Bench(paths)
    if arguments.task == "decode":
        codec = load_codec("nano", weights_folder=arguments.weights, cache_dir=cache_folder())
        lines = decoding(bench, codec)
    else:
        lines = training(bench, arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = list[dict[str, object]]()
    for line in lines:
        print(json.dumps(line), flush=True)
        kept.append(line)
        text = json.dumps(kept, indent=1) + "\n"
        (arguments.out / f"{arguments.task}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
