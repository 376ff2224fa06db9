"""The gain and the cost of each number of iterations of latent optimization, at equal bytes.

    python -m benchmarks.latent_optimization FOLDER [--n 4] [--bpp 0.06] [--iterations 0 2 5 10]

Prints, and keeps as JSON, means over pictures: bits per pixel, seconds to encode (the search for
the size left out), and distances to the original; LPIPS (VGG), MS-SSIM and PSNR are not what
latent optimization minimizes. VVC, which a user might take instead, is a line of the same table.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.evaluation.codecs import (
    AbsentCodec,
    ComparedCodec,
    OptimizedSearch,
    OurCodec,
    find_codecs,
)
from difficmh_core.evaluation.comparison import PhotoComparison
from difficmh_core.evaluation.evaluator import Evaluator
from difficmh_core.evaluation.inputs import find_pictures
from difficmh_core.image_io import read_image
from difficmh_core.latent_optimization import LatentOptimizer
from difficmh_core.models.load import load_codec

METRICS = ("lpips_alex", "lpips_vgg", "dists", "ms_ssim", "psnr_db")


def main() -> None:
    """Read the command line, measure, print, and keep what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=4, help="pictures, the first of the folder")
    parser.add_argument("--bpp", type=float, default=0.06, help="what the files may hold")
    parser.add_argument("--iterations", type=int, nargs="+", default=[0, 2, 5, 10])
    parser.add_argument("--out", type=Path, default=Path("results/latent_optimization.json"))
    arguments = parser.parse_args()

    cache_dir = cache_folder()
    codec = load_codec("nano", cache_dir=cache_dir)
    instant, search = preset_of("nano", "instant"), codec.rate_search()
    (vvc,) = find_codecs(["vvc"], {}, cache_dir).values()
    absent = {vvc.key: vvc.reason} if isinstance(vvc, AbsentCodec) else {}
    codecs: dict[str, ComparedCodec] = {} if absent else {vvc.name: vvc}
    for n in arguments.iterations:
        made: OptimizedSearch | None = None
        if n:
            settings = OptimizationSettings(iterations=n)
            made = OptimizedSearch(LatentOptimizer(codec, settings, cache_dir=cache_dir), search)
        codecs[f"nano, {n} iterations"] = OurCodec(codec, "instant", instant, made or search)

    evaluator = Evaluator(cache_dir, METRICS, ())
    values = defaultdict[str, dict[str, list[float]]](lambda: defaultdict(list))
    sources = find_pictures([str(arguments.folder)])[: arguments.n]
    for source in sources:
        image = read_image(source.address)
        comparison = PhotoComparison(source.name, image, evaluator)
        n_bytes = int(arguments.bpp * image.width * image.height / 8)
        for name, compared in codecs.items():
            row = comparison.measure(compared, n_bytes).row
            if row.error is not None:
                raise SystemExit(f"{source.name}, {name}: {row.error}")
            told = {"bpp": row.bpp, "encode_s": row.encode_s, **row.values}
            for key, value in told.items():
                values[name][key].append(value)
            print(
                source.name,
                name,
                {key: round(value, 4) for key, value in told.items()},
                flush=True,
            )

    means = {name: {k: mean(v) for k, v in told.items()} for name, told in values.items()}
    print(f"\n{'':32}" + "".join(f"{key:>12}" for key in ("bpp", "encode_s", *METRICS)))
    for name, told in means.items():
        print(f"{name:32}" + "".join(f"{told[k]:12.4f}" for k in ("bpp", "encode_s", *METRICS)))
    report = {"n_pictures": len(sources), "bpp": arguments.bpp, "absent": absent, "means": means}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
